package io.tandem.worker.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.random.CounterRandom;
import java.time.Duration;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;

/**
 * A convolution over strips equals the convolution of the whole image, and so do its gradients: for
 * any kernel, stride and padding, uneven strips, halos wider than a strip; float64. The kernel
 * itself, without strips, is held against the ONNX vectors and finite differences elsewhere.
 */
class ConvolutionTest {
  private static final int ROWS = 2;

  /** One convolution; C channels in, times filters channels out. */
  record Case(
      int shards, int height, int width, Window window, int channels, int groups, int filters) {
    Shape images() {
      return Shape.of(ROWS, height, width, channels);
    }

    Shape weights() {
      return Shape.of(
          window.kernelHeight(), window.kernelWidth(), channels / groups, channels * filters);
    }

    Shape output() {
      return Shape.of(
          ROWS, window.outputHeight(height), window.outputWidth(width), channels * filters);
    }
  }

  /** What a world computed of the whole image: N H W C all of them but dw. */
  private record Result(double[] y, double[] dx, double[] dw, double[] dwOfConstant) {}

  @Provide
  Arbitrary<Case> cases() {
    Arbitrary<Integer> kernel = Arbitraries.integers().between(1, 7);
    Arbitrary<Integer> stride = Arbitraries.integers().between(1, 4);
    Arbitrary<Integer> pad = Arbitraries.integers().between(0, 3);
    Arbitrary<Window> window =
        Combinators.combine(kernel, kernel, stride, stride, pad, pad, pad, pad).as(Window::new);
    Arbitrary<int[]> cut =
        Arbitraries.of(1, 2, 3, 4, 5, 8, 16)
            .flatMap(s -> Arbitraries.integers().between(s, 40).map(width -> new int[] {s, width}));
    return Combinators.combine(
            cut,
            window,
            Arbitraries.integers().between(1, 6),
            Arbitraries.integers().between(1, 3),
            Arbitraries.of(false, true),
            Arbitraries.integers().between(1, 2))
        .as(
            (c, w, height, channels, depthwise, filters) ->
                new Case(c[0], height, c[1], w, channels, depthwise ? channels : 1, filters))
        // Narrower outputs are computed on whole images: Network sees to it.
        .filter(
            c ->
                c.window().outputHeight(c.height()) >= 1
                    && c.window().outputWidth(c.width()) >= c.shards());
  }

  @Property(tries = 300, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
  void shouldEqualOneRank(@ForAll("cases") Case c) {
    check(c);
  }

  /** TensorFlow's SAME padding at stride 2 of an even width: none on the left, one on the right. */
  @Example
  void shouldPadAsTensorFlowDoes() {
    for (int shards : new int[] {2, 3, 4, 5, 8, 16}) {
      check(new Case(shards, 6, 40, new Window(3, 3, 2, 2, 0, 1, 0, 1), 2, 1, 2));
      check(new Case(shards, 6, 33, new Window(3, 3, 2, 2, 1, 1, 1, 1), 2, 2, 1));
    }
  }

  /** Two neighbours on each side: 5x5; three: 7x7. */
  @Example
  void shouldReachAcrossStripsOfOneColumn() {
    for (int shards : new int[] {2, 3, 4, 5, 8, 16}) {
      for (int groups : new int[] {1, 3}) {
        check(new Case(shards, 5, shards, Window.square(5, 1, 2), 3, groups, 1));
        check(new Case(shards, 5, shards, Window.square(7, 1, 3), 3, groups, 1));
      }
    }
  }

  /** Three columns, stride 1, one column of padding: what is computed without assembling. */
  @Example
  void shouldAddWhatLiesBeyondTheSeams() {
    for (int shards : new int[] {2, 3, 4, 5, 8, 16}) {
      for (int groups : new int[] {1, 3}) {
        check(new Case(shards, 6, shards, Window.square(3, 1, 1), 3, groups, 2));
        check(
            new Case(shards, 7, 2 * shards + 1, new Window(3, 3, 2, 1, 1, 0, 1, 1), 3, groups, 1));
        check(new Case(shards, 5, 40, new Window(5, 3, 1, 1, 0, 3, 1, 1), 3, groups, 2));
        check(new Case(shards, 4, 33, new Window(1, 3, 3, 1, 0, 0, 1, 1), 3, groups, 1));
      }
    }
  }

  private static void check(Case c) {
    Result one = run(c, 1);
    Result many = run(c, c.shards());
    assertThat(many.y()).as("y of %s", c).containsExactly(one.y(), within(1e-9));
    assertThat(many.dx()).as("dx of %s", c).containsExactly(one.dx(), within(1e-9));
    assertThat(many.dw()).as("dw of %s", c).containsExactly(one.dw(), within(1e-9));
    assertThat(many.dwOfConstant()).as("dw of %s", c).containsExactly(one.dw(), within(1e-9));
  }

  private static Result run(Case c, int shards) {
    List<Result> parts =
        LocalMesh.run(
            new Mesh(1, shards),
            () -> new Nd4jEngine(DType.FLOAT64, 1),
            Duration.ofMinutes(1),
            context -> rank(c, context));
    double[] y = new double[(int) c.output().elements()];
    double[] dx = new double[(int) c.images().elements()];
    double[] dw = new double[(int) c.weights().elements()];
    double[] dwOfConstant = dw.clone();
    for (int s = 0; s < shards; s++) {
      place(parts.get(s).y(), y, c.output(), Split.even(c.output().dim(2), shards), s);
      place(parts.get(s).dx(), dx, c.images(), Split.even(c.width(), shards), s);
      for (int i = 0; i < dw.length; i++) {
        dw[i] += parts.get(s).dw()[i];
        dwOfConstant[i] += parts.get(s).dwOfConstant()[i];
      }
    }
    return new Result(y, dx, dw, dwOfConstant);
  }

  private static Result rank(Case c, ShardContext context) {
    Engine engine = context.engine();
    try (var scope = engine.openScope()) {
      Tensor x = strip(context, c.images(), 1);
      Held w = new Held(engine.upload(c.weights(), values(c.weights(), 2)), new Tensor[1]);
      SplitWidth columns = new SplitWidth(c.width());

      Tape ofConstant = new Tape();
      Var constant = Var.constant(x, columns).save();
      convolve(c, context, ofConstant, constant, w);
      double[] dwOfConstant = engine.download(w.gradient[0]);

      // Another operation wants the strip in its backward too.
      Var shared = new Var(x, columns).save();
      convolve(c, context, new Tape(), shared, w);
      double[] dxOfShared = engine.download(shared.takeGradient());

      Tape tape = new Tape();
      Var input = new Var(x, columns);
      Tensor y = convolve(c, context, tape, input, w);
      double[] dx = engine.download(input.takeGradient());
      assertThat(dx).isEqualTo(dxOfShared);
      assertThatThrownBy(() -> engine.download(x)).hasMessageContaining("used after close");
      return new Result(engine.download(y), dx, engine.download(w.gradient[0]), dwOfConstant);
    }
  }

  private static Tensor convolve(Case c, ShardContext context, Tape tape, Var x, Weight w) {
    Var y = Convolution.apply(context, tape, x, w, c.window(), c.groups());
    assertThat(y.placement()).isEqualTo(new SplitWidth(c.output().dim(2)));
    x.release();
    y.accumulate(context.engine(), strip(context, c.output(), 3));
    tape.backward();
    return y.value();
  }

  /** This shard's columns of a whole that every rank could make. */
  private static Tensor strip(ShardContext context, Shape whole, int key) {
    Split split = Split.even(whole.dim(2), context.shards().size());
    int me = context.shard();
    double[] all = values(whole, key);
    Shape shape = Shape.of(whole.dim(0), whole.dim(1), split.length(me), whole.dim(3));
    double[] part = new double[(int) shape.elements()];
    copy(all, part, whole, split, me, false);
    return context.engine().upload(shape, part);
  }

  private static void place(double[] part, double[] whole, Shape shape, Split split, int s) {
    copy(whole, part, shape, split, s, true);
  }

  private static void copy(
      double[] whole, double[] part, Shape shape, Split split, int s, boolean intoWhole) {
    int row = split.length(s) * shape.dim(3);
    for (int r = 0; r < shape.dim(0) * shape.dim(1); r++) {
      int at = (r * shape.dim(2) + split.start(s)) * shape.dim(3);
      if (intoWhole) {
        System.arraycopy(part, r * row, whole, at, row);
      } else {
        System.arraycopy(whole, at, part, r * row, row);
      }
    }
  }

  private static double[] values(Shape shape, int key) {
    return CounterRandom.of(CounterRandom.Purpose.PICTURES, key)
        .doubles(shape.elements(), -1, 1)
        .toArray();
  }

  /** A whole weight, and the last gradient that it was given. */
  private record Held(Tensor value, Tensor[] gradient) implements Weight {
    @Override
    public void gradient(Tensor dw, boolean replicated) {
      assertThat(replicated).isFalse();
      gradient[0] = dw;
    }
  }
}
