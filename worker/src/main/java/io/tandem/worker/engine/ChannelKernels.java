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

  /**
   * A {@link #scaleShift} that was made of x; its derivative is told from x, so y need not stay.
   */
  record ScaleShift(double[] scale, double[] shift, Activation activation) {}

  /** Per channel: the sums over M of dz, and of dz * (x - mean[c]). */
  record BackwardSums(double[] dz, double[] dzTimesDeviation) {}

  /**
   * The two sums that the backward of a normalisation needs, for {@code dz = dy * activation'(x *
   * scale[c] + shift[c])}.
   */
  BackwardSums normalizationSums(Tensor dy, Tensor x, ScaleShift made, double[] mean);

  /**
   * {@code dz * a[c] + x * b[c] + c0[c]} with dz as above: the normalisation's input gradient in
   * one pass; may reuse dy's memory: dy is consumed.
   */
  Tensor normalizationBackward(
      Tensor dy, Tensor x, ScaleShift made, double[] a, double[] b, double[] c0);

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
