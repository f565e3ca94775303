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

  /** dL/dw alone from dL/dy, for an x that needs no gradient. */
  Tensor convolutionBackwardWeights(Tensor x, Tensor dy, Window window, int groups, Shape wShape);

  /** dL/dx and dL/dw. */
  record Gradients(Tensor dx, Tensor dw) {}

  /** Both gradients from dL/dy. */
  Gradients convolutionBackward(Tensor x, Tensor w, Tensor dy, Window window, int groups);
}
