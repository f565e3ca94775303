package io.tandem.protocol.metrics;

import static io.tandem.protocol.metrics.MetricDefinition.Kind.COUNTER;
import static io.tandem.protocol.metrics.MetricDefinition.Kind.GAUGE;

import java.util.List;
import java.util.stream.Stream;

/**
 * All of Tandem's own metrics; those of the JVM bear Micrometer's names. The label of a job is
 * {@code job_id}, since Prometheus keeps {@code job} for itself. Labels are bounded by the jobs
 * under way and their ranks: the series of jobs that have ended are removed.
 */
public final class MetricDefinitions {
  /** The label of a job. */
  public static final String JOB_LABEL = "job_id";

  // ---- training, on the worker that hosts rank 0
  public static final MetricDefinition STEP = gauge("step", "", "Last whole step.", "job_id");
  public static final MetricDefinition STEPS = counter("steps", "", "Steps done here.", "job_id");
  public static final MetricDefinition IMAGES =
      counter("images", "", "Images trained on, over the whole mesh.", "job_id");
  public static final MetricDefinition LOSS = gauge("loss", "", "Latest losses.", "job_id", "loss");
  public static final MetricDefinition ACCURACY =
      gauge("accuracy", "", "Latest shares of right answers, from 0 to 1.", "job_id", "accuracy");
  public static final MetricDefinition FEEDBACK =
      gauge("feedback", "", "Latest feedback coefficients and baselines.", "job_id", "feedback");
  public static final MetricDefinition TRAINING_VALUE =
      gauge("training.value", "", "What else the step reports, such as rates.", "job_id", "name");

  // ---- ranks, on every worker
  public static final MetricDefinition RANK_STEPS =
      counter("rank.steps", "", "Steps that a rank has done.", "job_id", "rank");
  public static final MetricDefinition STEP_TIMESTAMP =
      gauge(
          "step.timestamp",
          "seconds",
          "When a rank did its last step, since 1970.",
          "job_id",
          "rank");
  public static final MetricDefinition STEP_SECONDS =
      counter(
          "step.duration",
          "seconds",
          "Time of a rank in training steps; evaluations and checkpoints are not in it.",
          "job_id",
          "rank");
  public static final MetricDefinition BUSY_SECONDS =
      counter(
          "step.busy",
          "seconds",
          "Time of a rank in training steps, less what it waited for other ranks.",
          "job_id",
          "rank");
  public static final MetricDefinition PHASE_SECONDS =
      counter(
          "step.phase",
          "seconds",
          "Time of a rank by phase, waiting for others too; other is what is between steps.",
          "job_id",
          "rank",
          "phase");
  public static final MetricDefinition PEER_WAIT_SECONDS =
      counter(
          "peer.wait",
          "seconds",
          "Time a rank waited to receive from, or send to, a peer rank; from 64 peers on: other.",
          "job_id",
          "rank",
          "peer");

  // ---- attempts and checkpoints, on every worker
  public static final MetricDefinition ATTEMPTS_STARTED =
      counter("attempts.started", "", "Attempts whose local ranks were connected and loaded.");
  public static final MetricDefinition ATTEMPTS_ENDED =
      counter("attempts.ended", "", "Ended attempts by outcome.", "outcome");
  public static final MetricDefinition NOTICES =
      counter("notices", "", "What people should read: broken images, failed checkpoints.", "code");
  public static final MetricDefinition CHECKPOINTS =
      counter("checkpoints", "", "Committed checkpoints.", "job_id");
  public static final MetricDefinition CHECKPOINT_SECONDS =
      counter("checkpoint.seconds", "seconds", "Time from the first byte to the commit.", "job_id");
  public static final MetricDefinition CHECKPOINT_BYTES =
      counter("checkpoint.bytes", "bytes", "Bytes of committed checkpoints.", "job_id");
  public static final MetricDefinition VOLUME_FREE =
      gauge(
          "volume.free",
          "bytes",
          "Free space for checkpoints, for shared memory (shm), and on a coordinator for SQLite"
              + " (store); NaN while it cannot be told.",
          "volume");
  public static final MetricDefinition VOLUME_SIZE =
      gauge("volume.size", "bytes", "Size of the file system that holds them.", "volume");
  public static final MetricDefinition CERTIFICATE_EXPIRY =
      gauge(
          "certificate.expiry.timestamp",
          "seconds",
          "When the certificate expires that new connections are shown, since 1970: the control"
              + " plane's (control), and on a coordinator REST's (rest); none without TLS.",
          "use");

  // ---- data plane, on every worker
  public static final MetricDefinition COLLECTIVE_CALLS =
      counter("collective.calls", "", "Collectives done.", "collective", "transport");
  public static final MetricDefinition COLLECTIVE_BYTES =
      counter(
          "collective.bytes",
          "bytes",
          "Bytes of the calls' larger buffers; halos are all-to-alls.",
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
      counter(
          "back.pressure",
          "",
          "Offers that the stream to a peer worker refused for now; each side by its first rank.",
          "job_id",
          "rank",
          "peer",
          "transport");
  public static final MetricDefinition STREAM_RETRANSMITS =
      counter(
          "stream.retransmits",
          "",
          "Retransmissions that a peer worker asked for (NAKs); each side by its first rank.",
          "job_id",
          "rank",
          "peer");
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
          "Frames refused, by reason: truncated, corrupt, foreign, other-attempt, unauthentic,"
              + " disordered.",
          "reason");

  // ---- cluster, on the coordinator
  public static final MetricDefinition LEADER =
      gauge("coordinator.leader", "", "1 on the coordinator that manages the jobs, else 0.");
  public static final MetricDefinition WORKERS = gauge("workers", "", "Registered workers.");
  public static final MetricDefinition SLOTS = gauge("slots", "", "Slots of registered workers.");
  public static final MetricDefinition SLOTS_USED =
      gauge("slots.used", "", "Slots that host a rank.");
  public static final MetricDefinition JOBS =
      gauge("jobs", "", "Jobs that have not ended, by state; QUEUED is the queue.", "state");
  public static final MetricDefinition QUEUE_WAIT =
      gauge("queue.wait", "seconds", "How long the job has waited that waits longest; 0 for none.");
  public static final MetricDefinition RECOVERIES =
      counter("recoveries", "", "Attempts that took up where one before ended early.");

  // ---- jobs that are placed, on the coordinator
  public static final MetricDefinition JOB_NAME =
      gauge("job.name", "", "1; tells the name that the user gave.", "job_id", "name");
  public static final MetricDefinition JOB_STATE =
      gauge("job.state", "", "1 for the state that the job is in, else 0.", "job_id", "state");
  public static final MetricDefinition JOB_RANKS =
      gauge("job.ranks", "", "Ranks of the job's mesh.", "job_id");
  public static final MetricDefinition JOB_STEP =
      gauge("job.step", "", "Last step that was reported.", "job_id");
  public static final MetricDefinition JOB_STEPS_PLANNED =
      gauge("job.steps.planned", "", "Steps of the whole job; 0 before the first.", "job_id");
  public static final MetricDefinition JOB_ETA =
      gauge("job.eta", "seconds", "Time to the last step at the present rate.", "job_id");
  public static final MetricDefinition JOB_PROGRESS_TIMESTAMP =
      gauge(
          "job.progress.timestamp",
          "seconds",
          "When a step was last reported, or the job was placed, since 1970.",
          "job_id");
  public static final MetricDefinition JOB_CHECKPOINT_TIMESTAMP =
      gauge(
          "job.checkpoint.timestamp",
          "seconds",
          "When a checkpoint was last committed, or the job was placed, since 1970.",
          "job_id");
  public static final MetricDefinition JOB_GOODPUT =
      gauge(
          "job.goodput",
          "",
          "Time in committed steps over time since the job was placed, from 0 to 1.",
          "job_id");
  public static final MetricDefinition JOB_FAILURES =
      counter("job.failures", "", "Failures that ended an attempt.", "job_id");
  public static final MetricDefinition JOB_DETECTION_SECONDS =
      counter(
          "job.detection",
          "seconds",
          "Sum over failures: from the last sign of life, as whoever noticed knows it, to the decision.",
          "job_id");
  public static final MetricDefinition JOB_RECOVERED =
      counter("job.recovered", "", "Failures after which a step was done again.", "job_id");
  public static final MetricDefinition JOB_RECOVERY_SECONDS =
      counter(
          "job.recovery",
          "seconds",
          "Sum over those: from the decision to the first step of a later attempt.",
          "job_id");

  private static final String PREFIX = "tandem.";

  private MetricDefinitions() {}

  /** All of them, in the order of this file. */
  public static List<MetricDefinition> all() {
    return Stream.of(worker(), coordinator(), jobs()).flatMap(List::stream).toList();
  }

  /** Those that workers show. */
  public static List<MetricDefinition> worker() {
    return List.of(
        STEP,
        STEPS,
        IMAGES,
        LOSS,
        ACCURACY,
        FEEDBACK,
        TRAINING_VALUE,
        RANK_STEPS,
        STEP_TIMESTAMP,
        STEP_SECONDS,
        BUSY_SECONDS,
        PHASE_SECONDS,
        PEER_WAIT_SECONDS,
        ATTEMPTS_STARTED,
        ATTEMPTS_ENDED,
        NOTICES,
        CHECKPOINTS,
        CHECKPOINT_SECONDS,
        CHECKPOINT_BYTES,
        VOLUME_FREE,
        VOLUME_SIZE,
        CERTIFICATE_EXPIRY,
        COLLECTIVE_CALLS,
        COLLECTIVE_BYTES,
        COLLECTIVE_SECONDS,
        BUS_BANDWIDTH,
        BACK_PRESSURE,
        STREAM_RETRANSMITS,
        RETRANSMITS,
        FRAMES_DROPPED);
  }

  /** Those that the coordinator always shows. */
  public static List<MetricDefinition> coordinator() {
    return List.of(LEADER, WORKERS, SLOTS, SLOTS_USED, JOBS, QUEUE_WAIT, RECOVERIES);
  }

  /** Those that the coordinator shows of every job that is placed. */
  public static List<MetricDefinition> jobs() {
    return List.of(
        JOB_NAME,
        JOB_STATE,
        JOB_RANKS,
        JOB_STEP,
        JOB_STEPS_PLANNED,
        JOB_ETA,
        JOB_PROGRESS_TIMESTAMP,
        JOB_CHECKPOINT_TIMESTAMP,
        JOB_GOODPUT,
        JOB_FAILURES,
        JOB_DETECTION_SECONDS,
        JOB_RECOVERED,
        JOB_RECOVERY_SECONDS);
  }

  private static MetricDefinition gauge(String name, String unit, String help, String... labels) {
    return new MetricDefinition(PREFIX + name, GAUGE, unit, List.of(labels), help);
  }

  private static MetricDefinition counter(String name, String unit, String help, String... labels) {
    return new MetricDefinition(PREFIX + name, COUNTER, unit, List.of(labels), help);
  }
}
