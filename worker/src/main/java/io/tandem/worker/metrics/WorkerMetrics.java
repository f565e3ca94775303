package io.tandem.worker.metrics;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinitions;
import io.tandem.worker.collective.Collective;
import io.tandem.worker.collective.CollectiveListener;
import io.tandem.worker.fabric.FabricCounters;
import io.tandem.worker.fabric.Transport;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptRun;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Map;

/** A worker's metrics. Thread-safe. */
public final class WorkerMetrics {
  private static final int KEPT_JOBS = 16;

  private final Meters meters;
  private final ArrayDeque<String> jobs = new ArrayDeque<>();

  /** Feeds these meters. */
  public WorkerMetrics(Meters meters) {
    this.meters = meters;
  }

  /** A starter whose attempts are measured. */
  public AttemptRun.Starter around(AttemptRun.Starter starter) {
    return (plan, listener) -> {
      remember(plan.roster().jobId());
      return starter.start(plan, new Measured(plan.roster().jobId(), listener));
    };
  }

  /** Counts a collective; see {@link CollectiveListener}. */
  void collective(Collective collective, Transport transport, int members, long bytes, long nanos) {
    String[] labels = {collective.label(), transport.label()};
    double seconds = Math.max(1, nanos) / 1e9;
    meters.add(MetricDefinitions.COLLECTIVE_CALLS, 1, labels);
    meters.add(MetricDefinitions.COLLECTIVE_BYTES, bytes, labels);
    meters.add(MetricDefinitions.COLLECTIVE_SECONDS, seconds, labels);
    if (bytes > 0) {
      double factor = collective.busFactor(members);
      meters.set(MetricDefinitions.BUS_BANDWIDTH, bytes / seconds * factor, labels);
    }
  }

  /** Counts what was counted between two looks at an attempt's data plane. */
  private void traffic(FabricCounters now, FabricCounters before) {
    String ipc = Transport.IPC.label();
    String udp = Transport.UDP.label();
    MetricDefinition pressure = MetricDefinitions.BACK_PRESSURE;
    meters.add(pressure, now.backPressuredIpc() - before.backPressuredIpc(), ipc);
    meters.add(pressure, now.backPressuredUdp() - before.backPressuredUdp(), udp);
    meters.add(MetricDefinitions.RETRANSMITS, now.retransmits() - before.retransmits(), udp);
    dropped("truncated", now.truncated() - before.truncated());
    dropped("corrupt", now.corrupt() - before.corrupt());
    dropped("foreign", now.foreign() - before.foreign());
    dropped("other-attempt", now.otherAttempt() - before.otherAttempt());
    dropped("disordered", now.disordered() - before.disordered());
  }

  private void dropped(String reason, long frames) {
    meters.add(MetricDefinitions.FRAMES_DROPPED, frames, reason);
  }

  /** The series of the last few jobs stay, so that their last values can still be read. */
  private synchronized void remember(String job) {
    jobs.remove(job);
    jobs.addLast(job);
    if (jobs.size() > KEPT_JOBS) {
      meters.forget("job", jobs.removeFirst());
    }
  }

  private static MetricDefinition definition(String value) {
    var name = value.toLowerCase(Locale.ROOT);
    if (name.contains("loss")) {
      return MetricDefinitions.LOSS;
    }
    if (name.contains("accuracy")) {
      return MetricDefinitions.ACCURACY;
    }
    return name.contains("feedback") || name.contains("baseline")
        ? MetricDefinitions.FEEDBACK
        : MetricDefinitions.TRAINING_VALUE;
  }

  /** Measures, then passes on. Called by one thread at a time. */
  private final class Measured implements AttemptListener {
    private final String job;
    private final AttemptListener next;
    private long lastStep;
    private FabricCounters counted = FabricCounters.NONE;

    Measured(String job, AttemptListener next) {
      this.job = job;
      this.next = next;
    }

    @Override
    public void started(AttemptStarted message) {
      lastStep = message.getStep();
      meters.add(MetricDefinitions.ATTEMPTS_STARTED, 1);
      next.started(message);
    }

    @Override
    public void progress(Progress message) {
      // A later phase may count its steps from 0 again.
      long steps = Math.max(0, message.getStep() - lastStep);
      lastStep = message.getStep();
      meters.set(MetricDefinitions.STEP, message.getStep(), job);
      meters.add(MetricDefinitions.STEPS, steps, job);
      if (message.getStepsPerSecond() > 0) {
        double imagesAStep = message.getImagesPerSecond() / message.getStepsPerSecond();
        meters.add(MetricDefinitions.IMAGES, steps * imagesAStep, job);
      }
      message
          .getPhaseSecondsMap()
          .forEach(
              (phase, seconds) ->
                  meters.add(MetricDefinitions.PHASE_SECONDS, steps * seconds, job, phase));
      show(message.getValuesMap());
      next.progress(message);
    }

    @Override
    public void evaluated(Evaluated message) {
      show(message.getValuesMap());
      next.evaluated(message);
    }

    @Override
    public void checkpoint(CheckpointCommitted message) {
      meters.add(MetricDefinitions.CHECKPOINTS, 1, job);
      meters.add(MetricDefinitions.CHECKPOINT_SECONDS, message.getSeconds(), job);
      meters.add(MetricDefinitions.CHECKPOINT_BYTES, message.getBytes(), job);
      next.checkpoint(message);
    }

    @Override
    public void notice(Notice message) {
      meters.add(MetricDefinitions.NOTICES, 1, message.getCode());
      next.notice(message);
    }

    @Override
    public void log(LogLines message) {
      next.log(message);
    }

    @Override
    public void traffic(FabricCounters counters) {
      WorkerMetrics.this.traffic(counters, counted);
      counted = counters;
      next.traffic(counters);
    }

    @Override
    public CollectiveListener collectives() {
      CollectiveListener passedOn = next.collectives();
      return (collective, transport, members, bytes, nanos) -> {
        collective(collective, transport, members, bytes, nanos);
        passedOn.done(collective, transport, members, bytes, nanos);
      };
    }

    @Override
    public void ended(AttemptEnded message) {
      meters.add(MetricDefinitions.ATTEMPTS_ENDED, 1, message.getOutcome().name());
      next.ended(message);
    }

    private void show(Map<String, Double> values) {
      values.forEach((name, value) -> meters.set(definition(name), value, job, name));
    }
  }
}
