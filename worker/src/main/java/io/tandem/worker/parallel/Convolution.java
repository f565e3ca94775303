package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Placement;
import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;

/**
 * Convolution. Over strips: every shard fetches the columns that its strip of the output needs
 * (halo) and convolves without column padding; the backward sends the gradients of those columns
 * home. The commonest window does without assembling ({@link SeamConvolution}). Over whole images:
 * nothing is communicated.
 */
final class Convolution {
  private Convolution() {}

  static Var apply(ShardContext context, Tape tape, Var x, Weight w, Window window, int groups) {
    if (x.placement() instanceof SplitWidth split && !context.alone()) {
      return strips(context, tape, x, w, window, groups, split.width());
    }
    Engine engine = context.engine();
    Placement placement =
        x.placement() instanceof SplitWidth split
            ? new SplitWidth(window.outputWidth(split.width()))
            : x.placement();
    if (x.value().shape().dim(0) == 0) {
      return empty(context, tape, x, w, window, placement);
    }
    Var y = new Var(engine.convolution(x.value(), w.value(), window, groups), placement);
    if (tape != null) {
      x.save();
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            if (x.isConstant()) {
              w.gradient(
                  engine.convolutionBackwardWeights(
                      x.value(), dy, window, groups, w.value().shape()),
                  false);
            } else {
              var gradients = engine.convolutionBackward(x.value(), w.value(), dy, window, groups);
              w.gradient(gradients.dw(), false);
              x.accumulate(engine, gradients.dx());
            }
            x.unsave();
            dy.close();
          });
    }
    return y;
  }

  private static Var strips(
      ShardContext context, Tape tape, Var x, Weight w, Window window, int groups, int width) {
    Engine engine = context.engine();
    HaloPlan plan = HaloPlan.of(width, context.shards().size(), window);
    if (SeamConvolution.fits(plan, context.shard())) {
      return new SeamConvolution(context, plan, w, groups).apply(tape, x);
    }
    Window inner = plan.inner(context.shard());
    Assembled input = new Assembled(x, Halo.exchange(context, plan, x.value()));
    Var y =
        new Var(
            engine.convolution(input.take(), w.value(), inner, groups),
            new SplitWidth(window.outputWidth(width)));
    if (tape == null) {
      input.close();
      return y;
    }
    input.keep();
    Shape xShape = x.value().shape();
    tape.record(
        () -> {
          Tensor dy = y.takeGradient();
          Tensor whole = input.take();
          if (x.isConstant()) {
            w.gradient(
                engine.convolutionBackwardWeights(whole, dy, inner, groups, w.value().shape()),
                false);
          } else {
            var gradients = engine.convolutionBackward(whole, w.value(), dy, inner, groups);
            w.gradient(gradients.dw(), false);
            x.accumulate(engine, input.halo.gradient(gradients.dx(), xShape));
            gradients.dx().close();
          }
          input.close();
          dy.close();
        });
    return y;
  }

  /** A strip with its halo. Between forward and backward the strip and the halo are kept apart. */
  private static final class Assembled {
    private final Var x;
    private final Halo halo;
    private Tensor whole;
    private boolean saves;

    private Assembled(Var x, Halo halo) {
      this.x = x;
      this.halo = halo;
    }

    /** N H needed C; the strip itself where nothing is to be added. */
    Tensor take() {
      if (whole == null) {
        whole = halo.exact() ? x.value() : halo.assemble(x.value());
      }
      return whole;
    }

    void keep() {
      x.save();
      saves = true;
      if (!halo.exact()) {
        whole.close();
      }
      whole = null;
    }

    void close() {
      if (!halo.exact()) {
        whole.close();
      }
      if (saves) {
        x.unsave();
      }
      halo.close();
    }
  }

  /** A shard without images: shapes and collectives as everybody's, no kernel. */
  private static Var empty(
      ShardContext context, Tape tape, Var x, Weight w, Window window, Placement placement) {
    Engine engine = context.engine();
    Shape s = x.value().shape();
    Shape out =
        Shape.of(
            0,
            window.outputHeight(s.dim(1)),
            window.outputWidth(s.dim(2)),
            w.value().shape().dim(3));
    Var y = new Var(engine.zeros(out), placement);
    if (tape != null) {
      tape.record(
          () -> {
            y.takeGradient();
            w.gradient(engine.zeros(w.value().shape()), false);
            if (!x.isConstant()) {
              x.accumulate(engine, engine.zeros(s));
            }
          });
    }
    return y;
  }
}
