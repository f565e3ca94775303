package io.tandem.worker.parallel;

import io.tandem.worker.engine.ChannelKernels.Moments;

/**
 * Moving mean and variance of a batch norm, the same on every rank. Kept as float32 values, so that
 * a checkpoint holds them exactly.
 */
public final class RunningStatistics {
  private final double[] mean;
  private final double[] variance;

  RunningStatistics(int channels) {
    mean = new double[channels];
    variance = new double[channels];
    java.util.Arrays.fill(variance, 1);
  }

  /** Per channel; the live array. */
  public double[] mean() {
    return mean;
  }

  /** Per channel (biased); the live array. */
  public double[] variance() {
    return variance;
  }

  void update(Moments batch, double momentum) {
    for (int i = 0; i < mean.length; i++) {
      mean[i] = (float) (momentum * mean[i] + (1 - momentum) * batch.mean()[i]);
      double v = batch.squaredDeviation()[i] / batch.count();
      variance[i] = (float) (momentum * variance[i] + (1 - momentum) * v);
    }
  }
}
