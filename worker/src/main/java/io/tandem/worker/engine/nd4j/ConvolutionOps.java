package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.ConvolutionKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Convolutions by ND4J's conv2d and depthwise_conv2d: for float64, which oneDNN does not compute.
 * Those know only equal pads on opposite sides: other pads are written into a zeroed copy of x.
 * Groups that are not depthwise run one after another on slices of the channels.
 */
final class ConvolutionOps implements ConvolutionKernels {
  private static final int EXPLICIT_PADS = 0;
  private static final int NHWC = 1;
  private static final int HWIO = 0;

  private final Nd4jMemory memory;
  private final LayoutLoops<?> layout;

  ConvolutionOps(Nd4jMemory memory, LayoutLoops<?> layout) {
    this.memory = memory;
    this.layout = layout;
  }

  @Override
  public Tensor convolution(Tensor x, Tensor w, Window window, int groups) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor weights = memory.own(w);
    Shape shape = output(in.shape(), weights.shape(), window, groups);
    Nd4jTensor out = memory.uninitialized(shape);
    if (out.elements() == 0) {
      return out;
    }
    Nd4jTensor padded = padded(in, window);
    Window rest = padded == in ? window : withoutPads(window);
    if (groups == 1 || depthwise(in, groups)) {
      forward(padded, weights, out, rest, groups);
    } else {
      for (int g = 0; g < groups; g++) {
        Nd4jTensor part = memory.uninitialized(grouped(shape, groups));
        Nd4jTensor partX = slice(padded, g, groups);
        Nd4jTensor partW = slice(weights, g, groups);
        forward(partX, partW, part, rest, 1);
        unslice(part, out, g, groups);
        partX.close();
        partW.close();
        part.close();
      }
    }
    if (padded != in) {
      padded.close();
    }
    return out;
  }

  private static void forward(Nd4jTensor x, Nd4jTensor w, Nd4jTensor y, Window window, int groups) {
    Nd4j.exec(
        DynamicCustomOp.builder(groups == 1 ? "conv2d" : "depthwise_conv2d")
            .addInputs(x.array(), kernel(w, groups))
            .addOutputs(y.array())
            .addIntegerArguments(arguments(window))
            .build());
  }

  @Override
  public Gradients convolutionBackward(Tensor x, Tensor w, Tensor dy, Window window, int groups) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor weights = memory.own(w);
    Nd4jTensor gradient = memory.own(dy);
    Check.shape(
        "convolutionBackward: dy", gradient, output(in.shape(), weights.shape(), window, groups));
    if (gradient.elements() == 0) {
      return new Gradients(memory.zeros(in.shape()), memory.zeros(weights.shape()));
    }
    Nd4jTensor dx = memory.uninitialized(in.shape());
    Nd4jTensor dw = memory.uninitialized(weights.shape());
    Nd4jTensor padded = padded(in, window);
    Window rest = padded == in ? window : withoutPads(window);
    Nd4jTensor paddedDx = padded == in ? dx : memory.uninitialized(padded.shape());
    if (groups == 1 || depthwise(in, groups)) {
      backward(padded, weights, gradient, paddedDx, dw, rest, groups);
    } else {
      for (int g = 0; g < groups; g++) {
        Nd4jTensor partX = slice(padded, g, groups);
        Nd4jTensor partW = slice(weights, g, groups);
        Nd4jTensor partDy = slice(gradient, g, groups);
        Nd4jTensor partDx = memory.uninitialized(partX.shape());
        Nd4jTensor partDw = memory.uninitialized(partW.shape());
        backward(partX, partW, partDy, partDx, partDw, rest, 1);
        unslice(partDx, paddedDx, g, groups);
        unslice(partDw, dw, g, groups);
        partX.close();
        partW.close();
        partDy.close();
        partDx.close();
        partDw.close();
      }
    }
    if (padded != in) {
      layout.copyRegion(
          paddedDx,
          window.padTop(),
          window.padLeft(),
          dx,
          0,
          0,
          in.shape().dim(1),
          in.shape().dim(2));
      padded.close();
      paddedDx.close();
    }
    return new Gradients(dx, dw);
  }

  /**
   * ND4J's backward always makes both; only a network's first layer, of few channels, asks this.
   */
  @Override
  public Tensor convolutionBackwardWeights(
      Tensor x, Tensor dy, Window window, int groups, Shape wShape) {
    Nd4jTensor w = memory.zeros(wShape);
    Gradients gradients = convolutionBackward(x, w, dy, window, groups);
    w.close();
    gradients.dx().close();
    return gradients.dw();
  }

  private static void backward(
      Nd4jTensor x,
      Nd4jTensor w,
      Nd4jTensor dy,
      Nd4jTensor dx,
      Nd4jTensor dw,
      Window window,
      int groups) {
    Nd4j.exec(
        DynamicCustomOp.builder(groups == 1 ? "conv2d_bp" : "depthwise_conv2d_bp")
            .addInputs(x.array(), kernel(w, groups), dy.array())
            .addOutputs(dx.array(), kernel(dw, groups))
            .addIntegerArguments(arguments(window))
            .build());
  }

  /** ND4J's depthwise weights are kH kW C K/C: the same values in the same order. */
  private static INDArray kernel(Nd4jTensor w, int groups) {
    Shape s = w.shape();
    return groups == 1
        ? w.array()
        : w.array(Shape.of(s.dim(0), s.dim(1), groups, s.dim(3) / groups));
  }

  private static int[] arguments(Window w) {
    return new int[] {
      w.kernelHeight(),
      w.kernelWidth(),
      w.strideHeight(),
      w.strideWidth(),
      w.padTop(),
      w.padLeft(),
      1,
      1,
      EXPLICIT_PADS,
      NHWC,
      HWIO
    };
  }

  private static boolean depthwise(Nd4jTensor x, int groups) {
    return groups == x.shape().dim(3);
  }

  private static Window withoutPads(Window w) {
    return new Window(
        w.kernelHeight(), w.kernelWidth(), w.strideHeight(), w.strideWidth(), 0, 0, 0, 0);
  }

  /** x itself where ND4J can pad, else a copy with its zeros around it. */
  private Nd4jTensor padded(Nd4jTensor x, Window w) {
    if (w.padTop() == w.padBottom() && w.padLeft() == w.padRight()) {
      return x;
    }
    Shape s = x.shape();
    Nd4jTensor padded =
        memory.zeros(
            Shape.of(
                s.dim(0),
                s.dim(1) + w.padTop() + w.padBottom(),
                s.dim(2) + w.padLeft() + w.padRight(),
                s.dim(3)));
    layout.copyRegion(x, 0, 0, padded, w.padTop(), w.padLeft(), s.dim(1), s.dim(2));
    return padded;
  }

  private static Shape grouped(Shape s, int groups) {
    int[] dims = s.dims();
    dims[3] /= groups;
    return Shape.of(dims);
  }

  private Nd4jTensor slice(Nd4jTensor x, int group, int groups) {
    int all = x.shape().dim(3);
    int some = all / groups;
    Nd4jTensor part = memory.uninitialized(grouped(x.shape(), groups));
    layout.copyRuns(x, (long) group * some, all, part, 0, some, some, x.elements() / all);
    return part;
  }

  private void unslice(Nd4jTensor part, Nd4jTensor x, int group, int groups) {
    int all = x.shape().dim(3);
    int some = all / groups;
    layout.copyRuns(part, 0, some, x, (long) group * some, all, some, x.elements() / all);
  }

  static Shape output(Shape x, Shape w, Window window, int groups) {
    Check.that(x.rank() == 4, "convolution", "x needs N H W C", x);
    Check.that(w.rank() == 4, "convolution", "w needs kernelHeight kernelWidth C/groups K", w);
    Check.that(
        w.dim(0) == window.kernelHeight() && w.dim(1) == window.kernelWidth(),
        "convolution",
        "the kernel must be the window's",
        w,
        window);
    Check.that(
        groups > 0
            && x.dim(3) % groups == 0
            && w.dim(2) == x.dim(3) / groups
            && w.dim(3) % groups == 0,
        "convolution",
        "w's third dim must be C/groups, and groups must divide C and K",
        x,
        w,
        "groups " + groups);
    int height = window.outputHeight(x.dim(1));
    int width = window.outputWidth(x.dim(2));
    Check.that(
        height > 0 && width > 0, "convolution", "the kernel is larger than the image", x, window);
    return Shape.of(x.dim(0), height, width, w.dim(3));
  }
}
