package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Convolution over strips by kernels of three columns, stride 1 and one column of padding: nearly
 * all of a residual network. The strip is convolved as if zeros lay beside it, while the halo is on
 * its way; the outermost column of each neighbour then adds its part to one column of the output,
 * through one column of the kernel. So no strip is copied beside its halo, and nobody waits for
 * what comes before its own work is done.
 *
 * <p>Shapes: x N H w C, y N H' w K, kernel kH 3 C/groups K. A column N H 1 C lies in memory as a
 * row N 1 H C, and as rows columns are convolved: that is what the kernels are fast at.
 */
final class SeamConvolution {
  /**
   * Where a neighbour's column acts: through that column of the kernel on that one of the output.
   */
  private record Seam(int owner, int tap, int column) {}

  private final ShardContext context;
  private final Engine engine;
  private final HaloPlan plan;
  private final Window window;
  private final Weight w;
  private final int groups;
  private final List<Seam> seams = new ArrayList<>();
  private Halo halo;

  /** Whether this shard's part of that operation can be computed so; others' may be otherwise. */
  static boolean fits(HaloPlan plan, int me) {
    Window window = plan.window();
    return window.kernelWidth() == 3
        && window.strideWidth() == 1
        && window.padLeft() == 1
        && window.padRight() == 1
        && plan.in().length(me) > 0;
  }

  SeamConvolution(ShardContext context, HaloPlan plan, Weight w, int groups) {
    this.context = context;
    this.engine = context.engine();
    this.plan = plan;
    this.window = plan.window();
    this.w = w;
    this.groups = groups;
    int me = context.shard();
    for (int owner = 0; owner < plan.in().parts(); owner++) {
      if (owner != me && plan.columns(owner, me) > 0) {
        boolean left = owner < me;
        seams.add(new Seam(owner, left ? 0 : 2, left ? 0 : plan.in().length(me) - 1));
      }
    }
  }

  Var apply(Tape tape, Var x) {
    Tensor y =
        Halo.exchange(
            context,
            plan,
            x.value(),
            made -> halo = made,
            () -> engine.convolution(x.value(), w.value(), window, groups));
    for (Seam seam : seams) {
      if (halo.of(seam.owner()) != null) {
        add(seam, y);
      }
    }
    Var out = new Var(y, new SplitWidth(plan.out().total()));
    if (tape == null) {
      halo.close();
    } else {
      x.save();
      tape.record(() -> backward(x, out));
    }
    return out;
  }

  private void add(Seam seam, Tensor y) {
    try (var scope = engine.openScope()) {
      Tensor part = engine.convolution(asRow(halo.of(seam.owner())), tap(seam), ofRows(), groups);
      engine.addRegion(asColumn(part), 0, 0, y, 0, seam.column(), y.shape().dim(1), 1);
    }
  }

  private void backward(Var x, Var out) {
    Tensor dy = out.takeGradient();
    Tensor[] sends = new Tensor[plan.in().parts()];
    Tensor[] dTaps = new Tensor[seams.size()];
    for (int i = 0; i < dTaps.length; i++) {
      if (halo.of(seams.get(i).owner()) != null) {
        dTaps[i] = backward(seams.get(i), dy, x.isConstant() ? null : sends);
      }
    }
    Tensor dw;
    if (x.isConstant()) {
      dw = engine.convolutionBackwardWeights(x.value(), dy, window, groups, w.value().shape());
    } else {
      Tensor[] ofWeights = new Tensor[1];
      Supplier<Tensor> own =
          () -> {
            var gradients = engine.convolutionBackward(x.value(), w.value(), dy, window, groups);
            ofWeights[0] = gradients.dw();
            return gradients.dx();
          };
      x.accumulate(engine, halo.gradient(sends, x.value().shape(), own));
      dw = ofWeights[0];
    }
    for (int i = 0; i < dTaps.length; i++) {
      if (dTaps[i] != null) {
        addTap(dTaps[i], dw, seams.get(i).tap());
        dTaps[i].close();
      }
    }
    w.gradient(dw, false);
    x.unsave();
    dy.close();
    halo.close();
  }

  /**
   * The gradient of the kernel's column.
   *
   * @param sends takes that of the neighbour's column, unless it is null
   */
  private Tensor backward(Seam seam, Tensor dy, Tensor[] sends) {
    try (var scope = engine.openScope()) {
      Shape s = dy.shape();
      Tensor column = engine.uninitialized(Shape.of(s.dim(0), s.dim(1), 1, s.dim(3)));
      engine.copyRegion(dy, 0, seam.column(), column, 0, 0, s.dim(1), 1);
      Tensor row = asRow(column);
      Tensor input = asRow(halo.of(seam.owner()));
      Tensor tap = tap(seam);
      if (sends == null) {
        return scope.keep(
            engine.convolutionBackwardWeights(input, row, ofRows(), groups, tap.shape()));
      }
      var gradients = engine.convolutionBackward(input, tap, row, ofRows(), groups);
      sends[seam.owner()] = scope.keep(gradients.dx());
      return scope.keep(gradients.dw());
    }
  }

  /** What slides down a column, turned to slide along a row. */
  private Window ofRows() {
    return new Window(
        1,
        window.kernelHeight(),
        1,
        window.strideHeight(),
        0,
        0,
        window.padTop(),
        window.padBottom());
  }

  /** N H 1 C as N 1 H C. */
  private Tensor asRow(Tensor column) {
    Shape s = column.shape();
    return engine.view(column, Shape.of(s.dim(0), 1, s.dim(1), s.dim(3)));
  }

  /** N 1 H C as N H 1 C. */
  private Tensor asColumn(Tensor row) {
    Shape s = row.shape();
    return engine.view(row, Shape.of(s.dim(0), s.dim(2), 1, s.dim(3)));
  }

  /** A column of the kernel, as a kernel over rows: 1 kH C/groups K. */
  private Tensor tap(Seam seam) {
    Shape s = w.value().shape();
    int rows = s.dim(0);
    int values = s.dim(2) * s.dim(3);
    Tensor tap = engine.uninitialized(Shape.of(1, rows, 1, values));
    Tensor kernel = engine.view(w.value(), Shape.of(1, rows, 3, values));
    engine.copyRegion(kernel, 0, seam.tap(), tap, 0, 0, rows, 1);
    return engine.view(tap, Shape.of(1, rows, s.dim(2), s.dim(3)));
  }

  /** Adds a column's gradient to the whole kernel's. */
  private void addTap(Tensor dTap, Tensor dw, int tap) {
    Shape s = dw.shape();
    int rows = s.dim(0);
    int values = s.dim(2) * s.dim(3);
    Tensor whole = engine.view(dw, Shape.of(1, rows, 3, values));
    Tensor column = engine.view(dTap, Shape.of(1, rows, 1, values));
    engine.addRegion(column, 0, 0, whole, 0, tap, rows, 1);
  }
}
