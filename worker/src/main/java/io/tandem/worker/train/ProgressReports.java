package io.tandem.worker.train;

import io.tandem.protocol.control.Progress;
import io.tandem.protocol.job.JobSpec;
import java.util.Map;

/** Says how far a training is: after its first step, then about once a second. Rank 0's alone. */
final class ProgressReports {
  private final JobSpec job;
  private final long mainSteps;
  private final long totalSteps;
  private final StepMeter meter;
  private final AttemptListener listener;
  private long begunStep;
  private long reportedStep;
  private long reportedNanos = System.nanoTime();

  /** {@code mainSteps} of all steps are those of the main phase. */
  ProgressReports(
      JobSpec job, long mainSteps, long totalSteps, StepMeter meter, AttemptListener listener) {
    this.job = job;
    this.mainSteps = mainSteps;
    this.totalSteps = totalSteps;
    this.meter = meter;
    this.listener = listener;
  }

  /** The training begins after that step. */
  void begin(long step) {
    begunStep = step;
    reportedStep = step;
    reportedNanos = System.nanoTime();
  }

  /** That step is done; {@code force} tells it although others were told a moment ago. */
  void report(long step, Map<String, Double> values, boolean force) {
    long now = System.nanoTime();
    double seconds = (now - reportedNanos) / 1e9;
    boolean first = reportedStep == begunStep;
    if ((!force && !first && seconds < 1) || step == reportedStep) {
      return;
    }
    double steps = step - reportedStep;
    int images =
        step > mainSteps
            ? job.algorithm().fineTune().batch()
            : job.training().labeledBatch() + job.training().unlabeledBatch();
    Progress.Builder progress =
        Progress.newBuilder()
            .setStep(step)
            .setTotalSteps(totalSteps)
            .setStepsPerSecond(steps / seconds)
            .setImagesPerSecond(images * steps / seconds)
            .putAllValues(values)
            .setPhase(step > mainSteps ? "fine-tune" : "train");
    meter.drainPhases().forEach((phase, s) -> progress.putPhaseSeconds(phase, s / steps));
    listener.progress(progress.build());
    reportedNanos = now;
    reportedStep = step;
  }
}
