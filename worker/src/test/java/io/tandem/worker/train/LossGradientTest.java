package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.job.AlgorithmSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.algorithm.Consistency;
import io.tandem.worker.algorithm.Logits;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.LocalMesh;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import io.tandem.worker.random.CounterRandom;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The gradient of every method's labelled and unlabelled losses, without feedback, against central
 * differences of the losses written out here: their weights, smoothing, ramp, mask and what counts
 * as constant, and that they are means over the whole mesh. A perceptron in float64.
 */
class LossGradientTest {
  private static final int K = 3;
  private static final int LABELED = 5;
  private static final int UNLABELED = 7;
  private static final long STEP = 1;
  private static final double SMOOTHING = 0.1;
  private static final int[] TRUTH = {0, 1, 2, 2, 1};

  /** A half of its ramp. */
  private static final double WEIGHT = 3 * 0.5;

  private record Result(List<double[]> gradients, Map<String, Double> values) {}

  private static JobSpec job(String method, double threshold) {
    String yaml =
        """
        name: tiny
        seed: 11
        data: {format: idx, path: none, imageHeight: 1, imageWidth: 4, channels: 1, classes: 3,
          mean: [0.5], standardDeviation: [0.25], augmentation: {cropPadding: 0, cutout: 0}}
        model: {family: mlp, depth: 1, width: 6}
        algorithm:
          name: %1$s
          labelSmoothing: 0.1
          uda: {weight: 3, rampSteps: 4, temperature: 0.7, threshold: %2$s}
          pseudoLabels: {weight: 3, rampSteps: 4, threshold: %2$s}
          feedback: {estimator: "off"}
        training:
          steps: 1000
          labeledBatch: 5
          unlabeledBatch: 7
          teacher: {learningRate: 1.0e-30, momentum: 0, nesterov: false, weightDecay: 0}
        """
            .formatted(method, threshold);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  @ParameterizedTest
  @CsvSource({
    "supervised,1,1", "pseudo-labels,1,1", "uda,1,1", "meta-pseudo-labels,1,1",
    "supervised,3,1", "pseudo-labels,2,2", "uda,2,1", "meta-pseudo-labels,2,1",
    "meta-pseudo-labels,3,2", "meta-pseudo-labels,1,8"
  })
  void shouldBeOfTheLossesOverTheWholeMesh(String method, int replicas, int shards) {
    double[] weak =
        onMesh(new Mesh(1, 1), context -> logits(context, job(method, 0), "weak", null, 0));
    JobSpec job = job(method, threshold(weak, method.equals("pseudo-labels") ? 1 : 0.7));
    Mesh mesh = new Mesh(replicas, shards);
    Result result = onMesh(mesh, context -> step(context, mesh, job));
    if (job.algorithm().name() != AlgorithmSpec.Name.SUPERVISED) {
      assertThat(result.values.get("share.confident")).isCloseTo(4 / 7.0, within(1e-9));
    }
    Consistency targets = targets(job, weak);
    for (int d = 0; d < 4; d++) {
      List<double[]> direction = new ArrayList<>();
      for (double[] g : result.gradients) {
        direction.add(
            CounterRandom.of(CounterRandom.Purpose.PICTURES, d, g.length)
                .doubles(g.length, -1, 1)
                .toArray());
      }
      double epsilon = 1e-5;
      double difference =
          (loss(job, targets, direction, epsilon) - loss(job, targets, direction, -epsilon))
              / (2 * epsilon);
      double slope = 0;
      for (int i = 0; i < direction.size(); i++) {
        for (int j = 0; j < direction.get(i).length; j++) {
          slope += direction.get(i)[j] * result.gradients.get(i)[j];
        }
      }
      assertThat(slope).isCloseTo(difference, within(1e-7 * (1 + Math.abs(difference))));
    }
  }

  private static <T> T onMesh(Mesh mesh, LocalMesh.Work<T> work) {
    return LocalMesh.run(mesh, () -> new Nd4jEngine(DType.FLOAT64, 1), Duration.ofMinutes(10), work)
        .get(0);
  }

  private static Consistency targets(JobSpec job, double[] weakLogits) {
    return switch (job.algorithm().name()) {
      case SUPERVISED -> null;
      case PSEUDO_LABELS ->
          Consistency.pseudoLabels(weakLogits, K, job.algorithm().pseudoLabels().threshold());
      default -> Consistency.uda(weakLogits, K, 0.7, job.algorithm().uda().threshold());
    };
  }

  /** That 4 of the 7 images reach. */
  private static double threshold(double[] weakLogits, double temperature) {
    double[] p = Logits.softmax(weakLogits, K, temperature);
    double[] best = new double[UNLABELED];
    Arrays.setAll(best, n -> Arrays.stream(p, n * K, (n + 1) * K).max().orElseThrow());
    Arrays.sort(best);
    return (best[2] + best[3]) / 2;
  }

  private static double loss(
      JobSpec job, Consistency targets, List<double[]> direction, double factor) {
    return onMesh(
        new Mesh(1, 1),
        context -> {
          double[] labeled = logits(context, job, "labeled", direction, factor);
          double[] truth = Logits.targets(TRUTH, K, SMOOTHING);
          double loss = Arrays.stream(Logits.crossEntropy(labeled, truth, K)).sum() / LABELED;
          if (targets != null) {
            double[] strong = logits(context, job, strong(job), direction, factor);
            double[] each = Logits.crossEntropy(strong, targets.targets(), K);
            for (int i = 0; i < UNLABELED; i++) {
              loss += WEIGHT * targets.mask()[i] * each[i] / UNLABELED;
            }
          }
          return loss;
        });
  }

  /** Pseudo labels learn on the view that they are made on. */
  private static String strong(JobSpec job) {
    return job.algorithm().name() == AlgorithmSpec.Name.PSEUDO_LABELS ? "weak" : "strong";
  }

  private static double[] logits(
      ShardContext context, JobSpec job, String view, List<double[]> direction, double factor) {
    Engine engine = context.engine();
    List<Learner> learners = Learners.of(context, job);
    try (var scope = engine.openScope()) {
      ShardedParameters p = learners.get(0).network().parameters();
      for (int i = 0; direction != null && i < direction.size(); i++) {
        Tensor slice = p.slice(p.weights(), i);
        engine.addScaled(slice, factor, engine.upload(slice.shape(), direction.get(i)));
      }
      Rows rows =
          rows(context, view, Split.even(view.equals("labeled") ? LABELED : UNLABELED, 1), 0);
      return learners
          .get(0)
          .network()
          .forward(rows.images(), rows.split(), ForwardMode.probe(), false)
          .logits();
    } finally {
      learners.forEach(Learner::close);
    }
  }

  private static Result step(ShardContext context, Mesh mesh, JobSpec job) {
    Engine engine = context.engine();
    List<Learner> learners = Learners.of(context, job);
    try (var scope = engine.openScope()) {
      int replica = mesh.rank(context.world().index()).replica();
      Split labeled = Split.even(LABELED, mesh.replicas());
      Split unlabeled = Split.even(UNLABELED, mesh.replicas());
      StepBatch batch =
          new StepBatch(
              STEP,
              rows(context, "labeled", labeled, replica),
              Arrays.copyOfRange(TRUTH, labeled.start(replica), labeled.end(replica)),
              rows(context, "weak", unlabeled, replica),
              rows(context, strong(job), unlabeled, replica),
              LABELED,
              UNLABELED);
      TrainingStep step =
          learners.size() == 2
              ? new MetaPseudoLabelsStep(context, job, learners.get(0), learners.get(1))
              : SupervisedStep.main(context, job, learners.get(0));
      Map<String, Double> values = step.run(batch);
      ShardedParameters p = learners.get(0).network().parameters();
      List<double[]> gradients = new ArrayList<>();
      for (int i = 0; i < p.parameters().size(); i++) {
        gradients.add(engine.download(p.whole(p.gradients(), i)));
      }
      return new Result(gradients, values);
    } finally {
      learners.forEach(Learner::close);
    }
  }

  /** This rank's part of a replica's images, which depend on their place in the batch alone. */
  private static Rows rows(ShardContext context, String view, Split replicas, int replica) {
    int total = replicas.length(replica);
    Split shards = Split.even(total, context.shards().size());
    int from = replicas.start(replica) + shards.start(context.shard());
    int n = shards.length(context.shard());
    double[] pixels = new double[n * 4];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] =
          CounterRandom.of(CounterRandom.Purpose.PICTURES, view.hashCode(), from + i / 4, i % 4)
              .nextGaussian();
    }
    Shape shape = Shape.of(n, 1, 4, 1);
    Engine engine = context.engine();
    return Rows.of(
        context,
        n == 0 ? engine.zeros(shape) : engine.upload(shape, pixels),
        total,
        LongStream.range(replicas.start(replica), replicas.end(replica)).toArray());
  }
}
