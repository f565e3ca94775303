package io.tandem.worker.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.model.Layer;
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Models;
import io.tandem.worker.random.CounterRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** R x S ranks compute what one rank computes: logits, gradients, statistics; in float64. */
class ShardedNetworkTest {
  private static final int ROWS = 6;
  private static final int HEIGHT = 9;

  /** What all ranks together computed. */
  record Result(double[] logits, List<double[]> gradients, Map<String, double[]> statistics) {}

  @ParameterizedTest
  @CsvSource({
    "1,2,20,1", "1,3,20,1", "1,4,20,1", "1,8,20,1", "1,16,20,1", "2,1,20,1", "2,2,19,1",
    "3,2,21,2", "1,3,17,2", "1,4,33,4", "2,4,20,3", "1,5,23,1", "1,2,5,1", "1,16,64,1"
  })
  void shouldEqualOneRank(int replicas, int shards, int width, int stemStride) {
    ModelDefinition model = Models.wideResNet(10, 1, 4, stemStride, 3, 5, 0.3);
    assertEqual(model, new Mesh(replicas, shards), width);
  }

  /**
   * What no family has yet: TensorFlow's padding at stride 2, depthwise kernels that reach over
   * several strips, a replicated pair of dense layers with dropout between them.
   */
  private static ModelDefinition depthwise() {
    Window same = new Window(3, 3, 2, 2, 0, 1, 0, 1);
    Activation leaky = Activation.leaky(0.1);
    return new ModelDefinition(
        List.of(
            List.of(
                new Layer.Convolution("stem", 3, 4, same, 1),
                new Layer.BatchNorm("stem.norm", 4, leaky)),
            List.of(
                new Layer.Residual(
                    List.of(),
                    List.of(
                        new Layer.Convolution("wide", 4, 4, Window.square(7, 1, 3), 4),
                        new Layer.BatchNorm("wide.norm", 4, leaky),
                        new Layer.Convolution("point", 4, 4, Window.square(1, 1, 0), 1)),
                    List.of(),
                    false)),
            List.of(
                new Layer.Convolution("down", 4, 8, new Window(5, 5, 2, 2, 1, 2, 1, 2), 4),
                new Layer.BatchNorm("down.norm", 8, leaky)),
            List.of(
                new Layer.GlobalMean(),
                new Layer.Dense("hidden", 8, 6, Activation.RELU),
                new Layer.Dropout(0.3),
                new Layer.Dense("classifier", 6, 5, Activation.IDENTITY))),
        5);
  }

  @ParameterizedTest
  @CsvSource({"1,2,64", "1,3,61", "1,4,64", "1,5,63", "1,8,64", "1,16,64", "2,3,31", "4,4,17"})
  void shouldEqualOneRankWhereHalosAreWiderThanStrips(int replicas, int shards, int width) {
    assertEqual(depthwise(), new Mesh(replicas, shards), width);
  }

  /** Flat features: no strips at all; more ranks than images too. */
  @ParameterizedTest
  @CsvSource({"1,2", "1,4", "1,16", "2,2", "3,3"})
  void shouldEqualOneRankForAPerceptron(int replicas, int shards) {
    assertEqual(
        Models.mlp(HEIGHT * 4 * 3, 2, 7, 5, Activation.RELU), new Mesh(replicas, shards), 4);
  }

  private static void assertEqual(ModelDefinition model, Mesh mesh, int width) {
    Result one = run(new Mesh(1, 1), model, width, 1);
    assertThat(one.gradients()).allSatisfy(g -> assertThat(g).isNotEqualTo(new double[g.length]));
    for (int minimumStrip : new int[] {1, 2}) {
      Result many = run(mesh, model, width, minimumStrip);
      assertThat(many.logits()).containsExactly(one.logits(), within(1e-9));
      for (int i = 0; i < one.gradients().size(); i++) {
        assertThat(many.gradients().get(i))
            .as(model.parameters().get(i).name())
            .containsExactly(one.gradients().get(i), within(1e-9));
      }
      // Kept as float32 values: equal but for a rounding of the last bit.
      one.statistics()
          .forEach(
              (name, values) ->
                  assertThat(many.statistics().get(name))
                      .as(name)
                      .containsExactly(values, within(1e-6)));
    }
  }

  @Test
  void shouldHaveGradientsOfFiniteDifferences() {
    ModelDefinition model = Models.wideResNet(10, 1, 4, 2, 3, 5, 0.3);
    Result one = run(new Mesh(1, 1), model, 12, 1);
    // A change of one weight along each parameter's gradient direction.
    for (int i = 0; i < one.gradients().size(); i++) {
      double[] g = one.gradients().get(i);
      int at = largest(g);
      double epsilon = 1e-6;
      double difference =
          (loss(model, i, at, epsilon) - loss(model, i, at, -epsilon)) / (2 * epsilon);
      assertThat(g[at])
          .as(model.parameters().get(i).name())
          .isCloseTo(difference, within(1e-6 + 1e-4 * Math.abs(difference)));
    }
  }

  private static int largest(double[] g) {
    return IntStream.range(0, g.length)
        .boxed()
        .max((a, b) -> Double.compare(Math.abs(g[a]), Math.abs(g[b])))
        .orElseThrow();
  }

  private static double loss(ModelDefinition model, int parameter, int at, double change) {
    return LocalMesh.run(
            new Mesh(1, 1),
            () -> new Nd4jEngine(DType.FLOAT64, 1),
            Duration.ofMinutes(2),
            context -> loss(context, model, parameter, at, change))
        .get(0);
  }

  private static double loss(
      ShardContext context, ModelDefinition model, int parameter, int at, double change) {
    Engine engine = context.engine();
    try (var scope = engine.openScope()) {
      try (Network network = new Network(context, model, 0.9, 1, 7, 0)) {
        Tensor slice = network.parameters().slice(network.parameters().weights(), parameter);
        double[] delta = new double[(int) slice.shape().elements()];
        delta[at] = change;
        engine.addScaled(slice, 1, engine.upload(slice.shape(), delta));
        double[] logits =
            network
                .forward(
                    images(engine, 12, 0, ROWS),
                    Split.even(ROWS, 1),
                    ForwardMode.train(1, 2, keys(0, ROWS)),
                    false)
                .logits();
        double sum = 0;
        double[] weights = lossWeights(0, ROWS, 5);
        for (int i = 0; i < logits.length; i++) {
          sum += logits[i] * weights[i];
        }
        return sum;
      }
    }
  }

  private static Result run(Mesh mesh, ModelDefinition model, int width, int minimumStrip) {
    List<Result> results =
        LocalMesh.run(
            mesh,
            () -> new Nd4jEngine(DType.FLOAT64, 1),
            Duration.ofMinutes(2),
            context -> rank(context, mesh, model, width, minimumStrip));
    double[] logits =
        IntStream.range(0, mesh.replicas())
            .mapToObj(r -> results.get(r * mesh.shards()).logits())
            .flatMapToDouble(Arrays::stream)
            .toArray();
    return new Result(logits, results.get(0).gradients(), results.get(0).statistics());
  }

  private static Result rank(
      ShardContext context, Mesh mesh, ModelDefinition model, int width, int minimumStrip) {
    Engine engine = context.engine();
    Rank rank = mesh.rank(context.world().index());
    try (var scope = engine.openScope();
        Network network = new Network(context, model, 0.9, minimumStrip, 7, 0)) {
      Split replicas = Split.even(ROWS, mesh.replicas());
      int from = replicas.start(rank.replica());
      int rows = replicas.length(rank.replica());
      Split split = Split.even(rows, mesh.shards());
      Network.Pass pass =
          network.forward(
              images(engine, width, from + split.start(rank.shard()), split.length(rank.shard())),
              split,
              ForwardMode.train(1, 2, keys(from, rows)),
              true);
      pass.backward(lossWeights(from, rows, model.classes()));
      Tensor gradients = network.parameters().gradients();
      try (var host = engine.host(gradients, Access.READ_WRITE)) {
        context.replicas().allReduce(host.bytes(), context.element());
      }
      List<double[]> all = new ArrayList<>();
      for (int i = 0; i < model.parameters().size(); i++) {
        all.add(engine.download(network.parameters().whole(gradients, i)));
      }
      Map<String, double[]> statistics = new LinkedHashMap<>();
      network
          .statistics()
          .forEach(
              (name, s) -> {
                statistics.put(name + " mean", s.mean().clone());
                statistics.put(name + " variance", s.variance().clone());
              });
      return new Result(pass.logits(), all, statistics);
    }
  }

  private static long[] keys(int from, int rows) {
    return IntStream.range(from, from + rows).asLongStream().toArray();
  }

  private static Tensor images(Engine engine, int width, int from, int rows) {
    int size = HEIGHT * width * 3;
    double[] values = new double[rows * size];
    for (int n = 0; n < rows; n++) {
      CounterRandom random = CounterRandom.of(CounterRandom.Purpose.PICTURES, from + n);
      for (int i = 0; i < size; i++) {
        values[n * size + i] = random.nextGaussian();
      }
    }
    Shape shape = Shape.of(rows, HEIGHT, width, 3);
    return rows == 0 ? engine.zeros(shape) : engine.upload(shape, values);
  }

  private static double[] lossWeights(int from, int rows, int k) {
    double[] weights = new double[rows * k];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.sin(1 + (from * k + i) * 0.7);
    }
    return weights;
  }
}
