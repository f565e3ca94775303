package io.tandem.worker.engine.nd4j;

import static io.tandem.worker.engine.nd4j.GradientTest.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels.Moments;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import io.tandem.worker.engine.nd4j.OnnxVector.Array;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Forward kernels against the operator vectors of ONNX, where those are there. */
class OnnxTest {
  private static final Path VECTORS =
      Path.of(System.getProperty("tandem.data", "../shared/data")).resolve("onnx-vectors");

  private static Stream<DynamicTest> vectors(
      int atLeast,
      List<String> operators,
      Predicate<OnnxVector> fits,
      BiConsumer<Engine, OnnxVector> test)
      throws IOException {
    assumeTrue(Files.isDirectory(VECTORS), "no ONNX operator vectors at " + VECTORS);
    List<OnnxVector> found = OnnxVector.load(VECTORS, operators).stream().filter(fits).toList();
    // A filter that lets nothing through would pass in silence.
    assertThat(found).hasSizeGreaterThanOrEqualTo(atLeast);
    return found.stream()
        .flatMap(
            vector ->
                Stream.of(DType.FLOAT32, DType.FLOAT64)
                    .map(
                        dtype ->
                            DynamicTest.dynamicTest(
                                vector.name() + " " + dtype,
                                () -> {
                                  try (Engine engine = new Nd4jEngine(dtype, 1)) {
                                    test.accept(engine, vector);
                                  }
                                })));
  }

  private static Tensor upload(Engine engine, Array array) {
    return engine.upload(array.shape(), array.values());
  }

  private static void assertEqual(Engine engine, Tensor actual, Array expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertClose(engine.download(actual), expected.values(), 1e-4);
  }

  @TestFactory
  Stream<DynamicTest> shouldConvolve() throws IOException {
    return vectors(
        15,
        List.of("Conv"),
        OnnxVector::isPlain2d,
        (engine, v) -> {
          Tensor x = upload(engine, v.inputs().get(0).channelsLast());
          Tensor w = upload(engine, v.inputs().get(1).permuted(2, 3, 1, 0));
          Tensor y = engine.convolution(x, w, v.window(), (int) v.number("group", 1));
          if (v.inputs().size() == 3) {
            engine.addBias(y, upload(engine, v.inputs().get(2)));
          }
          assertEqual(engine, y, v.outputs().get(0).channelsLast());
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldPoolMaxima() throws IOException {
    return vectors(
        9,
        List.of("MaxPool"),
        OnnxVector::isPlain2d,
        (engine, v) ->
            assertEqual(
                engine,
                engine.maxPool(upload(engine, v.inputs().get(0).channelsLast()), v.window()),
                v.outputs().get(0).channelsLast()));
  }

  @TestFactory
  Stream<DynamicTest> shouldPoolAverages() throws IOException {
    return vectors(
        10,
        List.of("AveragePool"),
        OnnxVector::isPlain2d,
        (engine, v) -> {
          Window window = v.window();
          Tensor x = upload(engine, v.inputs().get(0).channelsLast());
          Tensor ones = engine.zeros(x.shape());
          engine.fill(ones, 1);
          double[] sums = engine.download(engine.sumPool(x, window));
          double[] real = engine.download(engine.sumPool(ones, window));
          boolean all = v.number("count_include_pad", 0) == 1;
          for (int i = 0; i < sums.length; i++) {
            sums[i] /= all ? window.kernelHeight() * window.kernelWidth() : real[i];
          }
          assertClose(sums, v.outputs().get(0).channelsLast().values(), 1e-4);
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldAverageImages() throws IOException {
    return vectors(
        2,
        List.of("GlobalAveragePool"),
        OnnxVector::isPlain2d,
        (engine, v) -> {
          Array in = v.inputs().get(0);
          Tensor means = engine.spatialSums(upload(engine, in.channelsLast()));
          engine.scale(means, 1.0 / (in.dim(2) * in.dim(3)));
          assertClose(engine.download(means), v.outputs().get(0).values(), 1e-4);
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldNormalizeBatches() throws IOException {
    return vectors(
        8,
        List.of("BatchNormalization"),
        v -> true,
        (engine, v) -> {
          Tensor x = upload(engine, v.inputs().get(0).channelsLast());
          double[] scale = v.inputs().get(1).values().clone();
          double[] shift = v.inputs().get(2).values().clone();
          double[] mean = v.inputs().get(3).values().clone();
          double[] variance = v.inputs().get(4).values().clone();
          if (v.number("training_mode", 0) == 1) {
            Moments moments = engine.moments(x);
            double momentum = v.number("momentum", 0.9);
            for (int c = 0; c < mean.length; c++) {
              double batch = moments.squaredDeviation()[c] / moments.count();
              double keptMean = momentum * mean[c] + (1 - momentum) * moments.mean()[c];
              double keptVariance = momentum * variance[c] + (1 - momentum) * batch;
              assertClose(
                  new double[] {keptMean, keptVariance},
                  new double[] {v.outputs().get(1).values()[c], v.outputs().get(2).values()[c]},
                  1e-4);
              mean[c] = moments.mean()[c];
              variance[c] = batch;
            }
          }
          for (int c = 0; c < mean.length; c++) {
            scale[c] /= Math.sqrt(variance[c] + v.number("epsilon", 1e-5));
            shift[c] -= mean[c] * scale[c];
          }
          assertEqual(
              engine,
              engine.scaleShift(x, scale, shift, Activation.IDENTITY),
              v.outputs().get(0).channelsLast());
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldTakeSoftmax() throws IOException {
    return vectors(
        4,
        List.of("Softmax"),
        v -> {
          int rank = v.inputs().get(0).rank();
          double axis = v.number("axis", -1);
          return rank == 2 && (axis == -1 || axis == 1);
        },
        (engine, v) ->
            assertEqual(
                engine, engine.softmax(upload(engine, v.inputs().get(0))), v.outputs().get(0)));
  }

  @TestFactory
  Stream<DynamicTest> shouldTakeSoftmaxCrossEntropy() throws IOException {
    return vectors(
        30,
        List.of("SoftmaxCrossEntropyLoss"),
        v -> true,
        (engine, v) -> {
          Array logits = v.inputs().get(0).channelsLast();
          int k = logits.dim(logits.rank() - 1);
          double[] labels = v.inputs().get(1).values();
          double[] targets = new double[labels.length * k];
          double total = 0;
          for (int n = 0; n < labels.length; n++) {
            int label = (int) labels[n];
            if (label != v.number("ignore_index", Double.NaN)) {
              double weight = v.inputs().size() == 3 ? v.inputs().get(2).values()[label] : 1;
              targets[n * k + label] = weight;
              total += weight;
            }
          }
          Shape shape = Shape.of(labels.length, k);
          double[] losses =
              engine.download(
                  engine.softmaxCrossEntropy(
                      engine.upload(shape, logits.values()), engine.upload(shape, targets)));
          double sum = Arrays.stream(losses).sum();
          double[] expected = v.outputs().get(0).values();
          switch (v.text("reduction", "mean")) {
            case "none" -> assertClose(losses, expected, 1e-4);
            case "sum" -> assertClose(new double[] {sum}, expected, 1e-4);
            default -> assertClose(new double[] {sum / total}, expected, 1e-4);
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldMultiplyMatrices() throws IOException {
    return vectors(
        10,
        List.of("Gemm"),
        v -> true,
        (engine, v) -> {
          Tensor y =
              engine.matmul(
                  upload(engine, v.inputs().get(0)),
                  v.number("transA", 0) == 1,
                  upload(engine, v.inputs().get(1)),
                  v.number("transB", 0) == 1);
          engine.scale(y, v.number("alpha", 1));
          double[] actual = engine.download(y);
          if (v.inputs().size() == 3) {
            double[] bias = v.inputs().get(2).values();
            for (int i = 0; i < actual.length; i++) {
              actual[i] += v.number("beta", 1) * bias[i % bias.length];
            }
          }
          assertClose(actual, v.outputs().get(0).values(), 1e-4);
        });
  }

  @TestFactory
  Stream<DynamicTest> shouldStepByMomentum() throws IOException {
    return vectors(
        3,
        List.of("Momentum"),
        // Ours has no dampening: ONNX's beta is 1 at step 0.
        v -> v.inputs().get(1).values()[0] == 0 || v.number("beta", 1) == 1,
        (engine, v) -> {
          int tensors = (v.inputs().size() - 2) / 3;
          for (int i = 0; i < tensors; i++) {
            Tensor w = upload(engine, v.inputs().get(2 + i));
            Tensor g = upload(engine, v.inputs().get(2 + tensors + i));
            Tensor velocity = upload(engine, v.inputs().get(2 + 2 * tensors + i));
            engine.momentumStep(
                w,
                g,
                velocity,
                v.inputs().get(0).values()[0],
                v.number("alpha", 0),
                v.text("mode", "").equals("nesterov"),
                v.number("norm_coefficient", 0));
            assertEqual(engine, w, v.outputs().get(i));
            assertEqual(engine, velocity, v.outputs().get(tensors + i));
          }
        });
  }
}
