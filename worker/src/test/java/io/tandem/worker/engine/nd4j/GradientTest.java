package io.tandem.worker.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels.ScaleShift;
import io.tandem.worker.engine.ConvolutionKernels.Gradients;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every backward kernel in float64 against central differences of its forward. */
@SuppressWarnings("try")
class GradientTest {
  private static final double STEP = 1e-5;

  private static Engine engine;

  @BeforeAll
  static void open() {
    engine = new Nd4jEngine(DType.FLOAT64, 1);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  static double[] random(Shape shape, long seed) {
    return new Random(seed).doubles(shape.elements(), -1, 1).toArray();
  }

  private static Tensor randomTensor(Shape shape, long seed) {
    return engine.upload(shape, random(shape, seed));
  }

  /** d(forward(x) . dy)/dx by central differences. */
  private static double[] differences(Tensor x, Tensor dy, UnaryOperator<Tensor> forward) {
    double[] values = engine.download(x);
    double[] gradient = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      double value = values[i];
      double[] sides = new double[2];
      for (int side = 0; side < 2; side++) {
        values[i] = value + (side == 0 ? STEP : -STEP);
        try (Memory.Scope scope = engine.openScope()) {
          sides[side] = engine.dot(forward.apply(engine.upload(x.shape(), values)), dy);
        }
      }
      values[i] = value;
      gradient[i] = (sides[0] - sides[1]) / (2 * STEP);
    }
    return gradient;
  }

  private static void assertGradient(
      Tensor gradient, Tensor x, Tensor dy, UnaryOperator<Tensor> forward) {
    assertThat(gradient.shape()).isEqualTo(x.shape());
    assertClose(engine.download(gradient), differences(x, dy, forward), 1e-7);
  }

  static void assertClose(double[] actual, double[] expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      double allowed = tolerance * Math.max(1, Math.abs(expected[i]));
      // Written so that NaN fails.
      if (!(Math.abs(actual[i] - expected[i]) <= allowed)) {
        assertThat(actual[i]).as("element " + i).isCloseTo(expected[i], within(allowed));
      }
    }
  }

  record Convolution(Shape x, Window window, int groups, int outputs) {
    Shape w() {
      return Shape.of(window.kernelHeight(), window.kernelWidth(), x.dim(3) / groups, outputs);
    }
  }

  static List<Arguments> convolutions() {
    List<Arguments> cases = new ArrayList<>();
    for (int kernel : new int[] {1, 3, 5}) {
      for (int stride : new int[] {1, 2}) {
        int pad = kernel / 2;
        for (int[] groups : new int[][] {{4, 1, 3}, {4, 2, 6}, {4, 4, 4}, {3, 3, 6}, {1, 1, 2}}) {
          Shape x = Shape.of(2, 5, 6, groups[0]);
          Window same = Window.square(kernel, stride, pad);
          cases.add(Arguments.of(new Convolution(x, same, groups[1], groups[2])));
          // TensorFlow's SAME at stride 2, a strip with its halo, and pads at one edge only.
          if (kernel > 1) {
            for (int[] columns : new int[][] {{0, 0}, {0, pad}, {pad - 1, pad}, {pad + 1, 0}}) {
              Window window = same.withColumnPads(columns[0], columns[1]);
              if (window.outputWidth(6) > 0) {
                cases.add(Arguments.of(new Convolution(x, window, groups[1], groups[2])));
              }
            }
            Window rows = new Window(kernel, kernel, stride, stride, 0, pad, pad, 0);
            cases.add(Arguments.of(new Convolution(x, rows, groups[1], groups[2])));
          }
        }
      }
    }
    Shape strip = Shape.of(2, 7, 3, 2);
    cases.add(Arguments.of(new Convolution(strip, new Window(3, 1, 2, 1, 1, 0, 0, 0), 1, 3)));
    cases.add(Arguments.of(new Convolution(strip, new Window(1, 3, 1, 3, 0, 0, 0, 0), 2, 4)));
    cases.add(Arguments.of(new Convolution(strip, Window.square(1, 3, 0), 1, 3)));
    return cases;
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void shouldDifferentiateConvolution(Convolution c) {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor x = randomTensor(c.x(), 1);
      Tensor w = randomTensor(c.w(), 2);
      Tensor y = engine.convolution(x, w, c.window(), c.groups());
      assertClose(engine.download(y), NaiveConvolution.forward(engine, x, w, c), 1e-12);
      Tensor dy = randomTensor(y.shape(), 3);
      Gradients gradients = engine.convolutionBackward(x, w, dy, c.window(), c.groups());
      assertGradient(gradients.dx(), x, dy, z -> engine.convolution(z, w, c.window(), c.groups()));
      assertGradient(gradients.dw(), w, dy, z -> engine.convolution(x, z, c.window(), c.groups()));
      Tensor dw = engine.convolutionBackwardWeights(x, dy, c.window(), c.groups(), w.shape());
      assertClose(engine.download(dw), engine.download(gradients.dw()), 1e-12);
    }
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void shouldAgreeInFloat32(Convolution c) {
    try (Engine single = new Nd4jEngine(DType.FLOAT32, 1);
        Memory.Scope scope = engine.openScope()) {
      Tensor x = randomTensor(c.x(), 1);
      Tensor w = randomTensor(c.w(), 2);
      Tensor y = engine.convolution(x, w, c.window(), c.groups());
      Tensor dy = randomTensor(y.shape(), 3);
      Gradients expected = engine.convolutionBackward(x, w, dy, c.window(), c.groups());
      Tensor x32 = single.upload(x.shape(), engine.download(x));
      Tensor w32 = single.upload(w.shape(), engine.download(w));
      Tensor dy32 = single.upload(dy.shape(), engine.download(dy));
      Tensor y32 = single.convolution(x32, w32, c.window(), c.groups());
      assertClose(single.download(y32), engine.download(y), 1e-5);
      Gradients actual = single.convolutionBackward(x32, w32, dy32, c.window(), c.groups());
      assertClose(single.download(actual.dx()), engine.download(expected.dx()), 1e-5);
      assertClose(single.download(actual.dw()), engine.download(expected.dw()), 1e-5);
    }
  }

  @Test
  void shouldDifferentiateActivation() {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor x = randomTensor(Shape.of(3, 4, 5), 1);
      double[] scale = {1, -2, 0.5, 3, 1};
      double[] shift = {0.1, 0, -0.2, 0.3, 0};
      double[] ones = {1, 1, 1, 1, 1};
      double[] zeros = new double[5];
      for (Activation activation :
          List.of(Activation.IDENTITY, Activation.RELU, Activation.leaky(0.1))) {
        Tensor y = engine.scaleShift(x, scale, shift, activation);
        Tensor dy = randomTensor(x.shape(), 2);
        Tensor dz =
            engine.activationBackward(engine.add(dy, engine.zeros(dy.shape())), y, activation);
        Tensor dx = engine.scaleShift(dz, scale, zeros, Activation.IDENTITY);
        assertGradient(dx, x, dy, z -> engine.scaleShift(z, scale, shift, activation));
        assertThat(engine.scaleShift(x, ones, zeros, activation).shape()).isEqualTo(x.shape());
      }
    }
  }

  /** Batch norm as a layer composes it: moments, scaleShift, and the two backward kernels. */
  private static Tensor normalize(Tensor x, Activation activation) {
    double[][] coefficients = normalization(x);
    return engine.scaleShift(x, coefficients[0], coefficients[1], activation);
  }

  private static double[][] normalization(Tensor x) {
    var moments = engine.moments(x);
    int c = moments.mean().length;
    double[] scale = new double[c];
    double[] shift = new double[c];
    for (int i = 0; i < c; i++) {
      scale[i] = 1 / Math.sqrt(moments.squaredDeviation()[i] / moments.count() + 1e-3);
      shift[i] = -moments.mean()[i] * scale[i];
    }
    return new double[][] {scale, shift, moments.mean()};
  }

  @Test
  void shouldDifferentiateNormalizationAndItsActivation() {
    for (Activation activation :
        List.of(Activation.IDENTITY, Activation.RELU, Activation.leaky(0.1))) {
      try (Memory.Scope scope = engine.openScope()) {
        Tensor x = randomTensor(Shape.of(2, 3, 4, 3), 1);
        Tensor dy = randomTensor(x.shape(), 2);
        double[][] coefficients = normalization(x);
        var made = new ScaleShift(coefficients[0], coefficients[1], activation);
        var sums = engine.normalizationSums(dy, x, made, coefficients[2]);
        int m = 24;
        double[] a = coefficients[0];
        double[] b = new double[3];
        double[] c0 = new double[3];
        for (int i = 0; i < 3; i++) {
          b[i] = -a[i] * a[i] * a[i] * sums.dzTimesDeviation()[i] / m;
          c0[i] = -a[i] * sums.dz()[i] / m - b[i] * coefficients[2][i];
        }
        Tensor consumed = engine.add(dy, engine.zeros(dy.shape()));
        assertGradient(
            engine.normalizationBackward(consumed, x, made, a, b, c0),
            x,
            dy,
            z -> normalize(z, activation));
      }
    }
  }

  static List<Window> pools() {
    return List.of(
        Window.square(2, 2, 0),
        Window.square(3, 2, 1),
        Window.square(3, 1, 1),
        new Window(3, 3, 2, 2, 0, 1, 0, 1),
        new Window(2, 3, 1, 2, 1, 0, 0, 2));
  }

  @ParameterizedTest
  @MethodSource("pools")
  void shouldDifferentiatePools(Window window) {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor x = randomTensor(Shape.of(2, 5, 6, 3), 1);
      Tensor y = engine.maxPool(x, window);
      Tensor dy = randomTensor(y.shape(), 2);
      assertGradient(
          engine.maxPoolBackward(x, y, dy, window), x, dy, z -> engine.maxPool(z, window));
      assertGradient(
          engine.sumPoolBackward(dy, window, x.shape()), x, dy, z -> engine.sumPool(z, window));
    }
  }

  @Test
  void shouldDifferentiateSpatialSums() {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor x = randomTensor(Shape.of(2, 3, 4, 3), 1);
      Tensor dy = randomTensor(Shape.of(2, 3), 2);
      assertGradient(engine.spatialBroadcast(dy, 3, 4, 1), x, dy, engine::spatialSums);
      Tensor wide = randomTensor(x.shape(), 3);
      Tensor back = engine.spatialSums(wide);
      engine.scale(back, 0.5);
      assertGradient(back, dy, wide, g -> engine.spatialBroadcast(g, 3, 4, 0.5));
    }
  }

  @Test
  void shouldDifferentiateSoftmaxCrossEntropy() {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor logits = randomTensor(Shape.of(3, 4), 1);
      Tensor targets = engine.softmax(randomTensor(Shape.of(3, 4), 2));
      Tensor weights = randomTensor(Shape.of(3), 3);
      assertGradient(
          engine.softmaxCrossEntropyBackward(logits, targets, weights),
          logits,
          weights,
          z -> engine.softmaxCrossEntropy(z, targets));
    }
  }

  @Test
  void shouldDifferentiateMatmul() {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor a = randomTensor(Shape.of(3, 4), 1);
      Tensor b = randomTensor(Shape.of(4, 5), 2);
      Tensor dy = randomTensor(Shape.of(3, 5), 3);
      assertGradient(
          engine.matmul(dy, false, b, true), a, dy, z -> engine.matmul(z, false, b, false));
      assertGradient(
          engine.matmul(a, true, dy, false), b, dy, z -> engine.matmul(a, false, z, false));
    }
  }

  @Test
  void shouldDifferentiateBias() {
    try (Memory.Scope scope = engine.openScope()) {
      Tensor bias = randomTensor(Shape.of(3), 1);
      Tensor x = randomTensor(Shape.of(2, 4, 5, 3), 2);
      Tensor dy = randomTensor(x.shape(), 3);
      assertGradient(
          engine.channelSums(dy),
          bias,
          dy,
          b -> {
            Tensor y = engine.add(x, engine.zeros(x.shape()));
            engine.addBias(y, b);
            return y;
          });
    }
  }
}
