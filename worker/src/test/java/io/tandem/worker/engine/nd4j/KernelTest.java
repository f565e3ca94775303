package io.tandem.worker.engine.nd4j;

import static io.tandem.worker.engine.nd4j.GradientTest.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels.BackwardSums;
import io.tandem.worker.engine.ChannelKernels.Moments;
import io.tandem.worker.engine.ChannelKernels.ScaleShift;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Forward kernels against closed forms, and float32 against float64. */
class KernelTest {
  @ParameterizedTest
  @CsvSource({"0,1", "1000,0.01", "-5,3", "100000,0.1"})
  void shouldKeepMomentsAccurateFarFromZero(double mean, double deviation) {
    Shape shape = Shape.of(3, 40, 41, 33);
    Random random = new Random(7);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, 2)) {
      Moments moments = engine.moments(engine.upload(shape, values));
      assertThat(moments.count()).isEqualTo(3 * 40 * 41);
      for (int c = 0; c < 33; c++) {
        double sum = 0;
        for (int i = c; i < values.length; i += 33) {
          sum += values[i];
        }
        double exact = sum / moments.count();
        double squares = 0;
        for (int i = c; i < values.length; i += 33) {
          squares += (values[i] - exact) * (values[i] - exact);
        }
        assertThat(moments.mean()[c]).isCloseTo(exact, within(1e-5 * deviation));
        assertThat(moments.squaredDeviation()[c]).isCloseTo(squares, within(1e-5 * squares));
      }
    }
  }

  /** Enough elements for several parts, so that the threads have something to share. */
  @ParameterizedTest
  @ValueSource(ints = {1, 16, 33, 700})
  void shouldComputeTheSameOnAnyNumberOfThreadsAndType(int c) {
    Shape shape = Shape.of(400_000 / c, c);
    double[] a = GradientTest.random(shape, 1);
    double[] b = GradientTest.random(shape, 2);
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) a[i];
      b[i] = (float) b[i];
    }
    double[] one = channelKernels(new Nd4jEngine(DType.FLOAT32, 1), shape, a, b);
    double[] three = channelKernels(new Nd4jEngine(DType.FLOAT32, 3), shape, a, b);
    double[] exact = channelKernels(new Nd4jEngine(DType.FLOAT64, 2), shape, a, b);
    assertThat(three).isEqualTo(one);
    assertThat(one).hasSameSizeAs(exact);
    for (int i = 0; i < one.length; i++) {
      assertThat(one[i]).isCloseTo(exact[i], within(1e-5 * Math.max(20, Math.abs(exact[i]))));
    }
  }

  private static double[] channelKernels(Engine engine, Shape shape, double[] a, double[] b) {
    try (engine) {
      int c = shape.dim(1);
      Tensor x = engine.upload(shape, a);
      Tensor dy = engine.upload(shape, b);
      double[] p = GradientTest.random(Shape.of(c), 3);
      double[] q = GradientTest.random(Shape.of(c), 4);
      Moments moments = engine.moments(x);
      ScaleShift made = new ScaleShift(p, q, Activation.leaky(0.25));
      BackwardSums sums = engine.normalizationSums(dy, x, made, moments.mean());
      Tensor y = engine.scaleShift(x, p, q, Activation.leaky(0.25));
      Tensor combined = engine.normalizationBackward(dy, x, made, p, q, p);
      engine.addBias(combined, engine.upload(Shape.of(c), q));
      return Stream.of(
              moments.mean(),
              moments.squaredDeviation(),
              sums.dz(),
              sums.dzTimesDeviation(),
              engine.download(engine.channelSums(x)),
              engine.download(engine.activationBackward(combined, y, Activation.RELU)),
              engine.download(y))
          .flatMapToDouble(Arrays::stream)
          .toArray();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void shouldMoveRegions(DType dtype) {
    try (Engine engine = new Nd4jEngine(dtype, 1)) {
      double[] values = new double[2 * 3 * 4 * 2];
      for (int i = 0; i < values.length; i++) {
        values[i] = i + 1;
      }
      Tensor from = engine.upload(Shape.of(2, 3, 4, 2), values);
      Tensor to = engine.zeros(Shape.of(2, 2, 3, 2));
      engine.copyRegion(from, 1, 2, to, 0, 1, 2, 2);
      engine.addRegion(from, 0, 0, to, 1, 1, 1, 2);
      assertThat(engine.download(to))
          .containsExactly(
              0, 0, 13, 14, 15, 16, 0, 0, 22, 24, 26, 28, 0, 0, 37, 38, 39, 40, 0, 0, 70, 72, 74,
              76);
      Tensor whole = engine.zeros(Shape.of(2, 3, 4, 2));
      engine.copyRegion(from, 0, 0, whole, 0, 0, 3, 4);
      engine.addRegion(from, 1, 0, whole, 0, 0, 2, 4);
      double[] sum = engine.download(whole);
      assertThat(sum[0]).isEqualTo(1 + 9);
      assertThat(sum[23]).isEqualTo(24);
      assertThat(sum[24]).isEqualTo(25 + 33);
      Tensor joined = engine.concatenate(List.of(to, to, engine.zeros(Shape.of(0, 2, 3, 2))));
      assertThat(joined.shape()).isEqualTo(Shape.of(4, 2, 3, 2));
      assertThat(engine.download(joined)[12 + 24]).isEqualTo(0);
      assertThat(engine.download(joined)[2 + 24]).isEqualTo(13);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void shouldStepByMomentum(DType dtype) {
    for (boolean nesterov : new boolean[] {false, true}) {
      try (Engine engine = new Nd4jEngine(dtype, 1)) {
        Tensor w = engine.upload(Shape.of(2), new double[] {1, -2});
        Tensor v = engine.upload(Shape.of(2), new double[] {0.5, 0.25});
        Tensor g = engine.upload(Shape.of(2), new double[] {3, 4});
        engine.momentumStep(w, g, v, 0.1, 0.9, nesterov, 0.01);
        double[] g1 = {3.01, 3.98};
        double[] v1 = {0.45 + 3.01, 0.225 + 3.98};
        assertClose(engine.download(v), v1, 1e-6);
        assertClose(
            engine.download(w),
            nesterov
                ? new double[] {1 - 0.1 * (g1[0] + 0.9 * v1[0]), -2 - 0.1 * (g1[1] + 0.9 * v1[1])}
                : new double[] {1 - 0.1 * v1[0], -2 - 0.1 * v1[1]},
            1e-6);
        engine.averageStep(v, w, 0.75);
        double[] weights = engine.download(w);
        assertClose(
            engine.download(v),
            new double[] {0.75 * v1[0] + 0.25 * weights[0], 0.75 * v1[1] + 0.25 * weights[1]},
            1e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void shouldComputePointwise(DType dtype) {
    try (Engine engine = new Nd4jEngine(dtype, 2)) {
      Shape shape = Shape.of(1000, 701);
      double[] a = GradientTest.random(shape, 1);
      double[] b = GradientTest.random(shape, 2);
      Tensor x = engine.upload(shape, a);
      Tensor y = engine.upload(shape, b);
      double[] sum = engine.download(engine.add(x, y));
      double[] product = engine.download(engine.multiply(x, y));
      double dot = engine.dot(x, y);
      engine.addScaled(x, -0.5, y);
      engine.scale(y, 3);
      double[] added = engine.download(x);
      double[] scaled = engine.download(y);
      double exact = 0;
      for (int i = 0; i < a.length; i++) {
        exact += a[i] * b[i];
        a[i] = i % 97 == 0 ? a[i] : 0;
        if (i % 97 == 0) {
          assertThat(sum[i]).isCloseTo(a[i] + b[i], within(1e-6));
          assertThat(product[i]).isCloseTo(a[i] * b[i], within(1e-6));
          assertThat(added[i]).isCloseTo(a[i] - 0.5 * b[i], within(1e-6));
          assertThat(scaled[i]).isCloseTo(3 * b[i], within(1e-6));
        }
      }
      assertThat(dot).isCloseTo(exact, within(1e-3));
    }
  }

  @Test
  void shouldNeverLetPaddingWinAMaximum() {
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, 1)) {
      Tensor x = engine.zeros(Shape.of(1, 2, 2, 1));
      engine.fill(x, -3);
      Window window = Window.square(3, 1, 1);
      Tensor y = engine.maxPool(x, window);
      assertThat(engine.download(y)).containsExactly(-3, -3, -3, -3);
      assertThat(engine.download(engine.sumPool(x, window))).containsExactly(-12, -12, -12, -12);
      // All are equal: the first takes every gradient.
      Tensor dy = engine.upload(y.shape(), new double[] {1, 2, 4, 8});
      assertThat(engine.download(engine.maxPoolBackward(x, y, dy, window)))
          .containsExactly(15, 0, 0, 0);
    }
  }

  @Test
  void shouldKeepSoftmaxFiniteForLargeLogits() {
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, 1)) {
      Tensor logits = engine.upload(Shape.of(1, 2), new double[] {1000, -1000});
      Tensor targets = engine.upload(Shape.of(1, 2), new double[] {1, 0});
      assertThat(engine.download(engine.softmax(logits))).containsExactly(1, 0);
      assertThat(engine.download(engine.softmaxCrossEntropy(logits, targets))).containsExactly(0);
    }
  }

  @Test
  void shouldComputeNothingFromNothing() {
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, 2)) {
      Tensor none = engine.zeros(Shape.of(0, 4, 4, 2));
      Tensor w = engine.zeros(Shape.of(3, 3, 2, 5));
      Window window = Window.square(3, 1, 1);
      Tensor y = engine.convolution(none, w, window, 1);
      assertThat(y.shape()).isEqualTo(Shape.of(0, 4, 4, 5));
      assertThat(engine.download(engine.convolutionBackward(none, w, y, window, 1).dw()))
          .containsOnly(0);
      assertThat(engine.moments(none).count()).isZero();
      assertThat(engine.download(engine.channelSums(none))).containsExactly(0, 0);
      assertThat(engine.add(none, none).shape()).isEqualTo(none.shape());
    }
  }

  @Test
  void shouldLetNotANumberThrough() {
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, 1)) {
      Tensor x = engine.upload(Shape.of(2, 1), new double[] {Double.NaN, 1});
      double[] y =
          engine.download(
              engine.scaleShift(x, new double[] {1}, new double[] {0}, Activation.RELU));
      assertThat(y[0]).isNaN();
      assertThat(engine.moments(x).squaredDeviation()[0]).isNaN();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void shouldTellTheSlopeOfEveryOutput(DType dtype) {
    double least = dtype == DType.FLOAT32 ? Float.MIN_VALUE : Double.MIN_VALUE;
    double most = dtype == DType.FLOAT32 ? Float.MAX_VALUE : Double.MAX_VALUE;
    double[] outputs = {least, -least, 0, -0.0, 1, -1, most, -most, Double.POSITIVE_INFINITY};
    double[] slopes = {1, 0.25, 0.25, 0.25, 1, 0.25, 1, 0.25, 1};
    try (Engine engine = new Nd4jEngine(dtype, 1)) {
      Tensor y = engine.upload(Shape.of(outputs.length), outputs);
      Tensor dy = engine.upload(Shape.of(outputs.length), new double[outputs.length]);
      engine.fill(dy, 1);
      Tensor dx = engine.activationBackward(dy, y, Activation.leaky(0.25));
      assertThat(engine.download(dx)).containsExactly(slopes);
    }
  }
}
