package io.tandem.worker.engine;

/**
 * The kernels that a device must offer, and its memory: one instance a rank, used by that rank's
 * thread alone. Not an array library: a kernel is here because a layer calls it. Kernels return new
 * tensors owned by the innermost {@link Memory.Scope}, and throw IllegalArgumentException naming
 * the shapes when those do not fit.
 */
public interface Engine
    extends Memory,
        ConvolutionKernels,
        ChannelKernels,
        PointwiseKernels,
        MatrixKernels,
        PoolingKernels,
        LossKernels,
        LayoutKernels,
        OptimizerKernels,
        AutoCloseable {
  /** For people: engine, version, device, threads. */
  String description();

  /** Closes every tensor that is left. */
  @Override
  void close();
}
