package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.ConvolutionKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import io.tandem.worker.engine.nd4j.OneDnnPrimitive.Operand;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Convolutions of float32 by oneDNN on N H W C. Only the weights, which are small, are rearranged
 * for each call. Kernels are compiled once a shape and kept.
 */
final class OneDnnConvolution implements ConvolutionKernels, AutoCloseable {
  /** More than the convolutions of two networks, forward and backward, at several batch sizes. */
  private static final int MAX_PLANS = 1024;

  private enum Kind {
    FORWARD,
    BACKWARD_DATA,
    BACKWARD_WEIGHTS
  }

  private record Key(Kind kind, Shape x, Shape w, Window window, int groups) {}

  /**
   * @param convolution its operands are the input's side, the weights' and the output's
   * @param reorder the weights' to (or from) the convolution's layout; null where that is ours
   * @param packed the weights in the convolution's layout
   */
  private record Plan(OneDnnPrimitive convolution, OneDnnPrimitive reorder, Shape packed) {
    void close() {
      convolution.close();
      if (reorder != null) {
        reorder.close();
      }
    }
  }

  private final Nd4jMemory memory;
  private final OneDnn oneDnn = new OneDnn();
  private boolean closed;
  private final Map<Key, Plan> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Plan> eldest) {
          if (size() <= MAX_PLANS) {
            return false;
          }
          eldest.getValue().close();
          return true;
        }
      };

  OneDnnConvolution(Nd4jMemory memory) {
    this.memory = memory;
  }

  @Override
  public Tensor convolution(Tensor x, Tensor w, Window window, int groups) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor weights = memory.own(w);
    Nd4jTensor out =
        memory.uninitialized(ConvolutionOps.output(in.shape(), weights.shape(), window, groups));
    if (out.elements() > 0) {
      Plan plan = plan(Kind.FORWARD, in.shape(), weights.shape(), window, groups);
      withPacked(plan, weights, packed -> plan.convolution().run(memory, in, packed, out));
    }
    return out;
  }

  @Override
  public Gradients convolutionBackward(Tensor x, Tensor w, Tensor dy, Window window, int groups) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor weights = memory.own(w);
    Nd4jTensor gradient = memory.own(dy);
    Tensor dw = convolutionBackwardWeights(x, dy, window, groups, weights.shape());
    if (gradient.elements() == 0) {
      return new Gradients(memory.zeros(in.shape()), dw);
    }
    Nd4jTensor dx = memory.uninitialized(in.shape());
    Plan plan = plan(Kind.BACKWARD_DATA, in.shape(), weights.shape(), window, groups);
    withPacked(plan, weights, packed -> plan.convolution().run(memory, dx, packed, gradient));
    return new Gradients(dx, dw);
  }

  @Override
  public Tensor convolutionBackwardWeights(
      Tensor x, Tensor dy, Window window, int groups, Shape wShape) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor gradient = memory.own(dy);
    Check.shape(
        "convolutionBackward: dy",
        gradient,
        ConvolutionOps.output(in.shape(), wShape, window, groups));
    if (gradient.elements() == 0) {
      return memory.zeros(wShape);
    }
    Nd4jTensor dw = memory.uninitialized(wShape);
    Plan plan = plan(Kind.BACKWARD_WEIGHTS, in.shape(), wShape, window, groups);
    if (plan.reorder() == null) {
      plan.convolution().run(memory, in, dw, gradient);
    } else {
      Nd4jTensor packed = memory.uninitialized(plan.packed());
      plan.convolution().run(memory, in, packed, gradient);
      plan.reorder().run(memory, packed, dw);
      packed.close();
    }
    return dw;
  }

  private interface Body {
    void run(Nd4jTensor packed);
  }

  private void withPacked(Plan plan, Nd4jTensor weights, Body body) {
    if (plan.reorder() == null) {
      body.run(weights);
      return;
    }
    Nd4jTensor packed = memory.uninitialized(plan.packed());
    plan.reorder().run(memory, weights, packed);
    body.run(packed);
    packed.close();
  }

  private Plan plan(Kind kind, Shape x, Shape w, Window window, int groups) {
    return plans.computeIfAbsent(new Key(kind, x, w, window, groups), this::compile);
  }

  private Plan compile(Key key) {
    Window window = key.window();
    Shape x = key.x();
    dnnl_memory_desc in = images(x);
    dnnl_memory_desc out =
        images(
            Shape.of(
                x.dim(0),
                window.outputHeight(x.dim(1)),
                window.outputWidth(x.dim(2)),
                key.w().dim(3)));
    dnnl_memory_desc ours = weights(key.w(), key.groups());
    dnnl_memory_desc any = OneDnn.anyLayout(dims(key.w(), key.groups()));
    long[] strides = {window.strideHeight(), window.strideWidth()};
    long[] dilations = {0, 0};
    long[] before = {window.padTop(), window.padLeft()};
    long[] after = {window.padBottom(), window.padRight()};
    int algorithm = dnnl.dnnl_convolution_direct;
    dnnl_primitive_desc forward = new dnnl_primitive_desc();
    OneDnn.check(
        "a convolution",
        dnnl.dnnl_convolution_forward_primitive_desc_create(
            forward,
            oneDnn.engine(),
            dnnl.dnnl_forward_training,
            algorithm,
            in,
            any,
            null,
            out,
            strides,
            dilations,
            before,
            after,
            oneDnn.attributes()));
    Plan plan;
    if (key.kind() == Kind.FORWARD) {
      plan =
          plan(
              forward,
              ours,
              true,
              new Operand(dnnl.DNNL_ARG_SRC, dnnl.dnnl_query_src_md),
              new Operand(dnnl.DNNL_ARG_WEIGHTS, dnnl.dnnl_query_weights_md),
              new Operand(dnnl.DNNL_ARG_DST, dnnl.dnnl_query_dst_md));
    } else if (key.kind() == Kind.BACKWARD_DATA) {
      dnnl_primitive_desc backward = new dnnl_primitive_desc();
      OneDnn.check(
          "a convolution's backward",
          dnnl.dnnl_convolution_backward_data_primitive_desc_create(
              backward,
              oneDnn.engine(),
              algorithm,
              in,
              any,
              out,
              strides,
              dilations,
              before,
              after,
              forward,
              oneDnn.attributes()));
      plan =
          plan(
              backward,
              ours,
              true,
              new Operand(dnnl.DNNL_ARG_DIFF_SRC, dnnl.dnnl_query_diff_src_md),
              new Operand(dnnl.DNNL_ARG_WEIGHTS, dnnl.dnnl_query_weights_md),
              new Operand(dnnl.DNNL_ARG_DIFF_DST, dnnl.dnnl_query_diff_dst_md));
      dnnl.dnnl_primitive_desc_destroy(forward);
    } else {
      dnnl_primitive_desc backward = new dnnl_primitive_desc();
      OneDnn.check(
          "a convolution's backward",
          dnnl.dnnl_convolution_backward_weights_primitive_desc_create(
              backward,
              oneDnn.engine(),
              algorithm,
              in,
              any,
              null,
              out,
              strides,
              dilations,
              before,
              after,
              forward,
              oneDnn.attributes()));
      plan =
          plan(
              backward,
              ours,
              false,
              new Operand(dnnl.DNNL_ARG_SRC, dnnl.dnnl_query_src_md),
              new Operand(dnnl.DNNL_ARG_DIFF_WEIGHTS, dnnl.dnnl_query_diff_weights_md),
              new Operand(dnnl.DNNL_ARG_DIFF_DST, dnnl.dnnl_query_diff_dst_md));
      dnnl.dnnl_primitive_desc_destroy(forward);
    }
    for (dnnl_memory_desc layout : new dnnl_memory_desc[] {in, out, ours, any}) {
      dnnl.dnnl_memory_desc_destroy(layout);
    }
    return plan;
  }

  private Plan plan(
      dnnl_primitive_desc description,
      dnnl_memory_desc ours,
      boolean weightsIn,
      Operand x,
      Operand w,
      Operand y) {
    dnnl_memory_desc theirs = OneDnnPrimitive.layout(description, w);
    OneDnnPrimitive reorder = null;
    if (dnnl.dnnl_memory_desc_equal(ours, theirs) == 0) {
      reorder = weightsIn ? oneDnn.reorder(ours, theirs) : oneDnn.reorder(theirs, ours);
    }
    Shape packed = Shape.of(OneDnnPrimitive.floats(theirs));
    return new Plan(new OneDnnPrimitive(oneDnn, description, x, w, y), reorder, packed);
  }

  /** N H W C, which oneDNN tells as dims N C H W with strides. */
  private static dnnl_memory_desc images(Shape s) {
    long h = s.dim(1);
    long w = s.dim(2);
    long c = s.dim(3);
    return OneDnn.layout(new long[] {s.dim(0), c, h, w}, new long[] {h * w * c, 1, w * c, c});
  }

  /** (groups) K/groups C/groups kernelHeight kernelWidth. */
  private static long[] dims(Shape w, int groups) {
    return groups == 1
        ? new long[] {w.dim(3), w.dim(2), w.dim(0), w.dim(1)}
        : new long[] {groups, w.dim(3) / groups, w.dim(2), w.dim(0), w.dim(1)};
  }

  private static dnnl_memory_desc weights(Shape w, int groups) {
    long k = w.dim(3);
    long row = w.dim(2) * k;
    long[] strides =
        groups == 1
            ? new long[] {1, k, w.dim(1) * row, row}
            : new long[] {k / groups, 1, k, w.dim(1) * row, row};
    return OneDnn.layout(dims(w, groups), strides);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      plans.values().forEach(Plan::close);
      oneDnn.close();
    }
  }
}
