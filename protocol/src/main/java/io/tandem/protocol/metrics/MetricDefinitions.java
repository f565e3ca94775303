package io.tandem.protocol.metrics;

import static io.tandem.protocol.metrics.MetricDefinition.Kind.COUNTER;
import static io.tandem.protocol.metrics.MetricDefinition.Kind.GAUGE;

import java.util.List;

/** All of Tandem's own metrics; those of the JVM bear Micrometer's names. */
public final class MetricDefinitions {
  // ---- training, on the worker that hosts rank 0
  public static final MetricDefinition STEP = gauge("step", "", "Last whole step.", "job");
  public static final MetricDefinition STEPS = counter("steps", "", "Steps done here.", "job");
  public static final MetricDefinition IMAGES =
      counter("images", "", "Images trained on, over the whole mesh.", "job");
  public static final MetricDefinition PHASE_SECONDS =
      counter(
          "step.phase",
          "seconds",
          "Time of rank 0 by phase: data wait, forward, halo, gather, backward, reduce, optimizer.",
          "job",
          "phase");
  public static final MetricDefinition LOSS = gauge("loss", "", "Latest losses.", "job", "loss");
  public static final MetricDefinition ACCURACY =
      gauge("accuracy", "", "Latest shares of right answers, from 0 to 1.", "job", "accuracy");
  public static final MetricDefinition FEEDBACK =
      gauge("feedback", "", "Latest feedback coefficients and baselines.", "job", "feedback");
  public static final MetricDefinition TRAINING_VALUE =
      gauge("training.value", "", "What else the step reports, such as rates.", "job", "name");

  // ---- attempts and checkpoints, on every worker
  public static final MetricDefinition ATTEMPTS_STARTED =
      counter("attempts.started", "", "Attempts whose local ranks were connected and loaded.");
  public static final MetricDefinition ATTEMPTS_ENDED =
      counter("attempts.ended", "", "Ended attempts by outcome.", "outcome");
  public static final MetricDefinition NOTICES =
      counter("notices", "", "What people should read: broken images, failed checkpoints.", "code");
  public static final MetricDefinition CHECKPOINTS =
      counter("checkpoints", "", "Committed checkpoints.", "job");
  public static final MetricDefinition CHECKPOINT_SECONDS =
      counter("checkpoint.seconds", "seconds", "Time from the first byte to the commit.", "job");
  public static final MetricDefinition CHECKPOINT_BYTES =
      counter("checkpoint.bytes", "bytes", "Bytes of committed checkpoints.", "job");

  // ---- data plane, on every worker
  public static final MetricDefinition COLLECTIVE_CALLS =
      counter("collective.calls", "", "Collectives done.", "collective", "transport");
  public static final MetricDefinition COLLECTIVE_BYTES =
      counter(
          "collective.bytes",
          "bytes",
          "Bytes of the calls' larger buffers.",
          "collective",
          "transport");
  public static final MetricDefinition COLLECTIVE_SECONDS =
      counter(
          "collective.seconds",
          "seconds",
          "Time in collectives, waiting for others too.",
          "collective",
          "transport");
  public static final MetricDefinition BUS_BANDWIDTH =
      gauge(
          "collective.bus.bandwidth",
          "bytes.per.second",
          "Of the latest call, as nccl-tests defines it.",
          "collective",
          "transport");
  public static final MetricDefinition BACK_PRESSURE =
      counter("back.pressure", "", "Offers that a publication refused for now.", "transport");
  public static final MetricDefinition RETRANSMITS =
      counter(
          "retransmits",
          "",
          "Retransmissions by the media driver while attempts ran; others may share it.",
          "transport");
  public static final MetricDefinition FRAMES_DROPPED =
      counter(
          "frames.dropped",
          "",
          "Frames refused, by reason: truncated, corrupt, foreign, other-attempt, disordered.",
          "reason");

  // ---- cluster, on the coordinator
  public static final MetricDefinition WORKERS = gauge("workers", "", "Registered workers.");
  public static final MetricDefinition SLOTS = gauge("slots", "", "Slots of registered workers.");
  public static final MetricDefinition SLOTS_USED =
      gauge("slots.used", "", "Slots that host a rank.");
  public static final MetricDefinition JOBS =
      gauge("jobs", "", "Jobs that have not ended, by state; QUEUED is the queue.", "state");
  public static final MetricDefinition RECOVERIES =
      counter("recoveries", "", "Attempts that took up where one before ended early.");

  private static final String PREFIX = "tandem.";

  private MetricDefinitions() {}

  /** All of them, in the order of this file. */
  public static List<MetricDefinition> all() {
    return List.of(
        STEP,
        STEPS,
        IMAGES,
        PHASE_SECONDS,
        LOSS,
        ACCURACY,
        FEEDBACK,
        TRAINING_VALUE,
        ATTEMPTS_STARTED,
        ATTEMPTS_ENDED,
        NOTICES,
        CHECKPOINTS,
        CHECKPOINT_SECONDS,
        CHECKPOINT_BYTES,
        COLLECTIVE_CALLS,
        COLLECTIVE_BYTES,
        COLLECTIVE_SECONDS,
        BUS_BANDWIDTH,
        BACK_PRESSURE,
        RETRANSMITS,
        FRAMES_DROPPED,
        WORKERS,
        SLOTS,
        SLOTS_USED,
        JOBS,
        RECOVERIES);
  }

  /** Those that the coordinator shows; workers show the others. */
  public static List<MetricDefinition> coordinator() {
    return List.of(WORKERS, SLOTS, SLOTS_USED, JOBS, RECOVERIES);
  }

  private static MetricDefinition gauge(String name, String unit, String help, String... labels) {
    return new MetricDefinition(PREFIX + name, GAUGE, unit, List.of(labels), help);
  }

  private static MetricDefinition counter(String name, String unit, String help, String... labels) {
    return new MetricDefinition(PREFIX + name, COUNTER, unit, List.of(labels), help);
  }
}
