package io.tandem.worker.engine;

/**
 * Kernels over the last dim (C) of a tensor of any rank; M is the number of elements over C. What
 * they return on the host is small (C values) and meant to be merged between ranks.
 */
public interface ChannelKernels {
  /** Per channel: the mean, and the sum of squared deviations from it, of M values. */
  record Moments(long count, double[] mean, double[] squaredDeviation) {}

  /** The moments of x, accurate also where the mean is far larger than the deviation. */
  Moments moments(Tensor x);

  /** {@code activation(x * scale[c] + shift[c])}. */
  Tensor scaleShift(Tensor x, double[] scale, double[] shift, Activation activation);

  /** Per channel: the sums over M of dy, and of dy * (x - mean[c]). */
  record BackwardSums(double[] dy, double[] dyTimesDeviation) {}

  /** The two sums that the backward of a normalisation needs. */
  BackwardSums normalizationSums(Tensor dy, Tensor x, double[] mean);

  /** {@code dy * a[c] + x * b[c] + c0[c]}: the normalisation's input gradient in one pass. */
  Tensor combine(Tensor dy, double[] a, Tensor x, double[] b, double[] c0);

  /**
   * {@code dy * activation'} told from the activation's output y; may reuse dy's memory: dy is
   * consumed.
   */
  Tensor activationBackward(Tensor dy, Tensor y, Activation activation);

  /** The sum over M of x: [C]. */
  Tensor channelSums(Tensor x);

  /** x + bias[c], in place. */
  void addBias(Tensor x, Tensor bias);
}
