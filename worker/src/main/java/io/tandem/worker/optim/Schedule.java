package io.tandem.worker.optim;

import io.tandem.protocol.job.TrainingSpec.OptimizerSpec;

/**
 * Learning rate by step: 0 while waiting, a linear warm-up, then a cosine to zero at the last step
 * (Loshchilov and Hutter, arXiv 1608.03983, without restarts).
 */
public final class Schedule {
  private Schedule() {}

  /** The rate of a step, counted from 0. */
  public static double rate(OptimizerSpec spec, long step, long steps) {
    long t = step - spec.waitSteps();
    if (t < 0) {
      return 0;
    }
    if (t < spec.warmupSteps()) {
      return spec.learningRate() * (t + 1) / spec.warmupSteps();
    }
    long length = Math.max(1, steps - spec.waitSteps() - spec.warmupSteps());
    double done = Math.min(1, (double) (t - spec.warmupSteps()) / length);
    return spec.learningRate() * 0.5 * (1 + Math.cos(Math.PI * done));
  }
}
