package io.tandem.worker.engine;

/**
 * Convolutions (cross-correlations, as everywhere in deep learning). x: N H W C; w: kernelHeight
 * kernelWidth C/groups K; y: N H' W' K with {@code H' = (H + padTop + padBottom - kernelHeight) /
 * strideHeight + 1} and likewise W'. Padding is zeros and may be asymmetric and zero. Depthwise:
 * groups = C.
 */
public interface ConvolutionKernels {
  /** y. */
  Tensor convolution(Tensor x, Tensor w, Window window, int groups);

  /** dL/dx, of dims {@code xShape}, from dL/dy. */
  Tensor convolutionBackwardData(Tensor dy, Tensor w, Window window, int groups, Shape xShape);

  /** dL/dw from dL/dy. */
  Tensor convolutionBackwardWeights(Tensor x, Tensor dy, Window window, int groups, Shape wShape);

  /** dL/dx and dL/dw. */
  record Gradients(Tensor dx, Tensor dw) {}

  /**
   * Both gradients at once: cheaper than one after the other where the device shares work between
   * them.
   */
  default Gradients convolutionBackward(Tensor x, Tensor w, Tensor dy, Window window, int groups) {
    return new Gradients(
        convolutionBackwardData(dy, w, window, groups, x.shape()),
        convolutionBackwardWeights(x, dy, window, groups, w.shape()));
  }
}
