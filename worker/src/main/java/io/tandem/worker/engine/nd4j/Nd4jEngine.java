package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ConvolutionKernels;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.List;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The engine of CPUs, float32 (oneDNN) and float64 (ND4J's plain loops: slow, for proofs). Several
 * engines of one process, each on its own thread, compute at the same time.
 */
public final class Nd4jEngine implements Engine {
  static {
    NativeBuild.choose();
  }

  private final int threads;
  private final Nd4jMemory memory;
  private final Parallel parallel;
  private final OneDnnConvolution oneDnn;
  private final ConvolutionKernels convolution;
  private final ChannelLoops<?> channel;
  private final PointwiseLoops<?> pointwise;
  private final MatrixOps matrix;
  private final PoolingLoops pooling;
  private final LossLoops loss;
  private final LayoutLoops<?> layout;

  /**
   * An engine for one thread, not necessarily the one that makes it.
   *
   * @param dtype FLOAT32 or FLOAT64
   * @param threads processor cores for this engine: a process's cores divided by its ranks
   * @throws UnsupportedOperationException where ND4J's CUDA backend is on the class path: the
   *     kernels written here address the memory of the CPU
   */
  public Nd4jEngine(DType dtype, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads " + threads + " is not at least 1");
    }
    OpExecutioner.ExecutionerType backend = Nd4j.getExecutioner().type();
    if (backend != OpExecutioner.ExecutionerType.NATIVE_CPU) {
      throw new UnsupportedOperationException(
          "ND4J's backend is "
              + backend
              + ", but this engine's kernels run on NATIVE_CPU only; build without -Pcuda");
    }
    this.threads = threads;
    memory = new Nd4jMemory(dtype, new NativeThreads(threads));
    parallel = new Parallel(threads);
    channel = channelLoops(memory.lanes());
    pointwise = pointwiseLoops(memory.lanes());
    layout = layoutLoops(memory.lanes());
    matrix = new MatrixOps(memory);
    pooling = new PoolingLoops(memory, parallel);
    loss = new LossLoops(memory);
    oneDnn = dtype == DType.FLOAT32 ? new OneDnnConvolution(memory) : null;
    convolution = oneDnn == null ? new ConvolutionOps(memory, layout) : oneDnn;
  }

  private <A> ChannelLoops<A> channelLoops(Lanes<A> lanes) {
    return new ChannelLoops<>(memory, lanes, parallel);
  }

  private <A> PointwiseLoops<A> pointwiseLoops(Lanes<A> lanes) {
    return new PointwiseLoops<>(memory, lanes, parallel);
  }

  private <A> LayoutLoops<A> layoutLoops(Lanes<A> lanes) {
    return new LayoutLoops<>(memory, lanes);
  }

  @Override
  public String description() {
    return "ND4J ("
        + Nd4j.getBackend().getClass().getSimpleName()
        + "), "
        + dtype()
        + ", threads "
        + threads;
  }

  @Override
  public DType dtype() {
    return memory.dtype();
  }

  @Override
  public Scope openScope() {
    return memory.openScope();
  }

  @Override
  public Tensor allocate(Shape shape, MemoryKind kind) {
    return memory.allocate(shape, kind);
  }

  @Override
  public Tensor zeros(Shape shape) {
    return memory.zeros(shape);
  }

  @Override
  public Tensor uninitialized(Shape shape) {
    return memory.uninitialized(shape);
  }

  @Override
  public Tensor upload(Shape shape, double[] values) {
    return memory.upload(shape, values);
  }

  @Override
  public Tensor upload(Shape shape, float[] values) {
    return memory.upload(shape, values);
  }

  @Override
  public double[] download(Tensor x) {
    return memory.download(x);
  }

  @Override
  public void download(Tensor x, float[] into, int offset) {
    memory.download(x, into, offset);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    memory.copy(from, to);
  }

  @Override
  public Tensor view(Tensor x, Shape shape) {
    return memory.view(x, shape);
  }

  @Override
  public Tensor view(Tensor x, long from, Shape shape) {
    return memory.view(x, from, shape);
  }

  @Override
  public HostBuffer host(Tensor x, Access access) {
    return memory.host(x, access);
  }

  @Override
  public long bytes(MemoryKind kind) {
    return memory.bytes(kind);
  }

  @Override
  public long peakBytes(MemoryKind kind) {
    return memory.peakBytes(kind);
  }

  @Override
  public void resetPeaks() {
    memory.resetPeaks();
  }

  @Override
  public Tensor convolution(Tensor x, Tensor w, Window window, int groups) {
    return convolution.convolution(x, w, window, groups);
  }

  @Override
  public Tensor convolutionBackwardWeights(
      Tensor x, Tensor dy, Window window, int groups, Shape wShape) {
    return convolution.convolutionBackwardWeights(x, dy, window, groups, wShape);
  }

  @Override
  public Gradients convolutionBackward(Tensor x, Tensor w, Tensor dy, Window window, int groups) {
    return convolution.convolutionBackward(x, w, dy, window, groups);
  }

  @Override
  public Moments moments(Tensor x) {
    return channel.moments(x);
  }

  @Override
  public Tensor scaleShift(Tensor x, double[] scale, double[] shift, Activation activation) {
    return channel.scaleShift(x, scale, shift, activation);
  }

  @Override
  public BackwardSums normalizationSums(Tensor dy, Tensor x, ScaleShift made, double[] mean) {
    return channel.normalizationSums(dy, x, made, mean);
  }

  @Override
  public Tensor normalizationBackward(
      Tensor dy, Tensor x, ScaleShift made, double[] a, double[] b, double[] c0) {
    return channel.normalizationBackward(dy, x, made, a, b, c0);
  }

  @Override
  public Tensor activationBackward(Tensor dy, Tensor y, Activation activation) {
    return channel.activationBackward(dy, y, activation);
  }

  @Override
  public Tensor channelSums(Tensor x) {
    return channel.channelSums(x);
  }

  @Override
  public void addBias(Tensor x, Tensor bias) {
    channel.addBias(x, bias);
  }

  @Override
  public Tensor add(Tensor a, Tensor b) {
    return pointwise.add(a, b);
  }

  @Override
  public void addScaled(Tensor y, double alpha, Tensor x) {
    pointwise.addScaled(y, alpha, x);
  }

  @Override
  public void scale(Tensor x, double alpha) {
    pointwise.scale(x, alpha);
  }

  @Override
  public void fill(Tensor x, double value) {
    pointwise.fill(x, value);
  }

  @Override
  public Tensor multiply(Tensor a, Tensor b) {
    return pointwise.multiply(a, b);
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    return pointwise.dot(a, b);
  }

  @Override
  public Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    return matrix.matmul(a, transposeA, b, transposeB);
  }

  @Override
  public Tensor maxPool(Tensor x, Window window) {
    return pooling.maxPool(x, window);
  }

  @Override
  public Tensor maxPoolBackward(Tensor x, Tensor y, Tensor dy, Window window) {
    return pooling.maxPoolBackward(x, y, dy, window);
  }

  @Override
  public Tensor sumPool(Tensor x, Window window) {
    return pooling.sumPool(x, window);
  }

  @Override
  public Tensor sumPoolBackward(Tensor dy, Window window, Shape xShape) {
    return pooling.sumPoolBackward(dy, window, xShape);
  }

  @Override
  public Tensor spatialSums(Tensor x) {
    return pooling.spatialSums(x);
  }

  @Override
  public Tensor spatialBroadcast(Tensor g, int height, int width, double scale) {
    return pooling.spatialBroadcast(g, height, width, scale);
  }

  @Override
  public Tensor softmax(Tensor logits) {
    return loss.softmax(logits);
  }

  @Override
  public Tensor softmaxCrossEntropy(Tensor logits, Tensor targets) {
    return loss.softmaxCrossEntropy(logits, targets);
  }

  @Override
  public Tensor softmaxCrossEntropyBackward(Tensor logits, Tensor targets, Tensor rowWeights) {
    return loss.softmaxCrossEntropyBackward(logits, targets, rowWeights);
  }

  @Override
  public void copyRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns) {
    layout.copyRegion(from, fromRow, fromColumn, to, toRow, toColumn, rows, columns);
  }

  @Override
  public void addRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns) {
    layout.addRegion(from, fromRow, fromColumn, to, toRow, toColumn, rows, columns);
  }

  @Override
  public Tensor concatenate(List<Tensor> parts) {
    return layout.concatenate(parts);
  }

  @Override
  public void momentumStep(
      Tensor w,
      Tensor g,
      Tensor v,
      double rate,
      double momentum,
      boolean nesterov,
      double weightDecay) {
    pointwise.momentumStep(w, g, v, rate, momentum, nesterov, weightDecay);
  }

  @Override
  public void averageStep(Tensor average, Tensor w, double decay) {
    pointwise.averageStep(average, w, decay);
  }

  @Override
  public void close() {
    memory.close();
    parallel.close();
    if (oneDnn != null) {
      oneDnn.close();
    }
  }
}
