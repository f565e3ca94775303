package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.job.TrainingSpec.OptimizerSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Models;
import io.tandem.worker.parallel.LocalMesh;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An optimizer's steps against the same written out value by value, on whole and cut weights. */
class LearnerTest {
  private static final int UPDATES = 3;
  private static final double RATE = 0.1;
  private static final double EMA = 0.25;
  private static final ModelDefinition MODEL = Models.wideResNet(10, 1, 4, 1, 3, 5, 0);

  /** By parameter: its values before and after, their average, and the gradients of each update. */
  private record State(double[] start, double[] weights, double[] average, double[] gradient) {}

  @ParameterizedTest
  @CsvSource({
    "1, true, 0, 0",
    "1, false, 0.01, 0",
    "3, true, 0.01, 0",
    "3, true, 0.01, 0.5",
    "4, false, 0, 9e9"
  })
  void shouldStepAsDefined(int shards, boolean nesterov, double decay, double clipNorm) {
    OptimizerSpec spec = new OptimizerSpec(RATE, 0, 0, 0.9, nesterov, decay, clipNorm);
    Map<String, State> states =
        LocalMesh.run(
                new Mesh(1, shards),
                () -> new Nd4jEngine(DType.FLOAT64, 1),
                Duration.ofMinutes(10),
                context -> run(context, spec))
            .get(0);
    double norm =
        Math.sqrt(
            states.values().stream()
                .mapToDouble(s -> Arrays.stream(s.gradient).map(g -> g * g).sum())
                .sum());
    double clip = clipNorm > 0 ? Math.min(1, clipNorm / norm) : 1;
    states.forEach(
        (name, state) -> {
          for (int i = 0; i < state.start.length; i++) {
            double w = state.start[i];
            double v = 0;
            double average = w;
            for (int update = 1; update <= UPDATES; update++) {
              double g = clip * state.gradient[i] + (name.endsWith(".weight") ? decay * w : 0);
              v = 0.9 * v + g;
              w -= RATE * (nesterov ? g + 0.9 * v : v);
              double d = Math.min(EMA, (1.0 + update) / (10 + update));
              average = d * average + (1 - d) * w;
            }
            assertThat(state.weights[i]).as(name).isCloseTo(w, within(1e-12));
            assertThat(state.average[i]).as(name).isCloseTo(average, within(1e-12));
          }
        });
  }

  private static Map<String, State> run(ShardContext context, OptimizerSpec spec) {
    Engine engine = context.engine();
    Network network = new Network(context, MODEL, 0.9, 1, 5, 0);
    try (Learner learner = new Learner(context, network, spec, EMA);
        var scope = engine.openScope()) {
      ShardedParameters p = network.parameters();
      Tensor start = engine.uninitialized(p.weights().shape());
      engine.copy(p.weights(), start);
      // Any gradient will do: a multiple of the weights, and something where those are 0.
      Tensor gradient = engine.uninitialized(start.shape());
      engine.fill(gradient, 0.01);
      engine.addScaled(gradient, 0.3, start);
      zeroPadding(context, p, start, gradient);
      for (int i = 0; i < UPDATES; i++) {
        engine.copy(gradient, p.gradients());
        learner.update(RATE, learner.squaredGradientNorm());
      }
      Map<String, State> states = new TreeMap<>();
      for (int i = 0; i < p.parameters().size(); i++) {
        states.put(
            p.parameters().get(i).name(),
            new State(
                engine.download(p.whole(start, i)),
                engine.download(p.whole(p.weights(), i)),
                engine.download(p.whole(learner.average(), i)),
                engine.download(p.whole(gradient, i))));
      }
      return states;
    }
  }

  /** A part's padding has no gradient: it would count in the norm. */
  private static void zeroPadding(
      ShardContext context, ShardedParameters p, Tensor start, Tensor gradient) {
    Engine engine = context.engine();
    double[] values = engine.download(gradient);
    for (int i = 0; i < p.parameters().size(); i++) {
      int part = (int) p.slice(start, i).shape().elements();
      long n = p.parameters().get(i).shape().elements();
      for (int e = 0; e < part; e++) {
        if ((long) context.shard() * part + e >= n) {
          values[p.offset(i) + e] = 0;
        }
      }
    }
    engine.copy(engine.upload(gradient.shape(), values), gradient);
  }
}
