package io.tandem.worker.engine;

/** Pooling of N H W C. */
public interface PoolingKernels {
  /** The largest value under the window; padding never wins. */
  Tensor maxPool(Tensor x, Window window);

  /** dL/dx; a tie's gradient goes to the first (row-major) of the largest. */
  Tensor maxPoolBackward(Tensor x, Tensor y, Tensor dy, Window window);

  /**
   * Sums under the window (divide by the window's size, or by the count of real pixels, with {@link
   * ChannelKernels} or {@link PointwiseKernels}); padding counts as zero.
   */
  Tensor sumPool(Tensor x, Window window);

  /** dL/dx of {@link #sumPool}. */
  Tensor sumPoolBackward(Tensor dy, Window window, Shape xShape);

  /** Sums over rows and columns: N C. */
  Tensor spatialSums(Tensor x);

  /** {@code g[n, c] * scale} at every row and column: N H W C. */
  Tensor spatialBroadcast(Tensor g, int height, int width, double scale);
}
