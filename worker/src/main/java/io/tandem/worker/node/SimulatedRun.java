package io.tandem.worker.node;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.StopMode;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptPlan;
import io.tandem.worker.train.AttemptRun;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** An attempt that takes its time, reports as a trainer does, and computes nothing. Thread-safe. */
final class SimulatedRun implements AttemptRun {
  private static final int STEPS_PER_SECOND = 10;

  /** As many series as a job of Meta Pseudo Labels has. */
  private static final String[] VALUES = {
    "studentLoss", "teacherLoss", "feedback", "labeledAccuracy", "agreement", "learningRate"
  };

  private static final String[] PHASES = {
    "data", "teacherForward", "studentStep", "feedback", "teacherStep", "reduce"
  };

  private final AttemptListener listener;
  private final ScheduledExecutorService timer;
  private final Runnable over;
  private final boolean reports;
  private final long startNanos = System.nanoTime();
  private final long lengthNanos;
  private final ScheduledFuture<?> beat;
  private boolean ended;

  /**
   * Begins at once.
   *
   * @param length how long it trains
   * @param progress how often it says how far it is
   * @param over called right before the end is told
   */
  SimulatedRun(
      AttemptPlan plan,
      AttemptListener listener,
      Duration length,
      Duration progress,
      ScheduledExecutorService timer,
      Runnable over) {
    this.listener = listener;
    this.timer = timer;
    this.over = over;
    this.lengthNanos = length.toNanos();
    this.reports = plan.roster().members().get(0).workerId().equals(plan.workerId());
    timer.execute(this::begin);
    this.beat =
        timer.scheduleAtFixedRate(
            this::progress, progress.toNanos(), progress.toNanos(), TimeUnit.NANOSECONDS);
    timer.schedule(
        () -> end(Outcome.COMPLETED, steps(lengthNanos)), lengthNanos, TimeUnit.NANOSECONDS);
  }

  private synchronized void begin() {
    if (!ended) {
      listener.started(AttemptStarted.getDefaultInstance());
    }
  }

  private synchronized void progress() {
    if (ended || !reports) {
      return;
    }
    Progress.Builder progress =
        Progress.newBuilder()
            .setStep(step())
            .setTotalSteps(steps(lengthNanos))
            .setStepsPerSecond(STEPS_PER_SECOND)
            .setImagesPerSecond(144 * STEPS_PER_SECOND)
            .setPhase("train");
    for (String value : VALUES) {
      progress.putValues(value, 1.0 / (1 + step()));
    }
    for (String phase : PHASES) {
      progress.putPhaseSeconds(phase, 1.0 / STEPS_PER_SECOND / PHASES.length);
    }
    listener.progress(progress.build());
  }

  private synchronized void end(Outcome outcome, long step) {
    if (!ended) {
      ended = true;
      beat.cancel(false);
      over.run();
      listener.ended(AttemptEnded.newBuilder().setOutcome(outcome).setStep(step).build());
    }
  }

  /** There is nothing to save, whatever the mode. */
  @Override
  public void stop(StopMode mode) {
    timer.execute(() -> end(Outcome.STOPPED, step()));
  }

  @Override
  public long step() {
    return Math.min(steps(System.nanoTime() - startNanos), steps(lengthNanos));
  }

  private static long steps(long nanos) {
    return nanos * STEPS_PER_SECOND / 1_000_000_000;
  }
}
