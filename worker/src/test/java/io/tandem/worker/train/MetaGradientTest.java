package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.random.CounterRandom;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * The expectation of the teacher's update over all label vectors of a tiny problem, against the
 * exact meta-gradient: the derivative, by finite differences of the teacher's weights, of the
 * expected labelled loss of the student after its step. Float64; 3 unlabelled points, 2 classes, 8
 * vectors.
 */
class MetaGradientTest {
  private static final int UNLABELED = 3;
  private static final int LABELED = 4;
  private static final int VECTORS = 1 << UNLABELED;

  private static JobSpec job(String estimator, double rate) {
    String yaml =
        """
        name: tiny
        seed: 11
        data: {format: idx, path: none, imageHeight: 1, imageWidth: 4, channels: 1, classes: 2,
          mean: [0.5], standardDeviation: [0.25], augmentation: {cropPadding: 0, cutout: 0}}
        model: {family: mlp, depth: 1, width: 5}
        algorithm:
          name: meta-pseudo-labels
          uda: {weight: 0}
          feedback: {estimator: "%s", baselineDecay: 0}
        training:
          steps: 1000000
          labeledBatch: 4
          unlabeledBatch: 3
          teacher: {learningRate: 1.0e-30, momentum: 0, nesterov: false, weightDecay: 0}
          student: {learningRate: %s, momentum: 0, nesterov: false, weightDecay: 0}
        """
            .formatted(estimator, rate);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** What one step with given labels leaves. */
  private record Outcome(double probability, double[] gradient, double lossAfter) {}

  private static Outcome step(JobSpec job, int labels, int teacherWeight, double change) {
    Fabric fabric = InProcessFabric.world(1, Duration.ofSeconds(30)).get(0);
    try (Nd4jEngine engine = new Nd4jEngine(DType.FLOAT64, 1);
        var scope = engine.openScope()) {
      ShardContext context = LocalRanks.context(engine, fabric, new Mesh(1, 1), 0);
      var learners = RankTrainer.learners(context, job);
      Tensor weights = learners.get(0).network().parameters().weights();
      // Weights of the teacher that are not near a tie, so that labels are unevenly likely.
      engine.scale(weights, 1.5);
      if (change != 0) {
        double[] delta = new double[(int) weights.shape().elements()];
        delta[teacherWeight] = change;
        engine.addScaled(weights, 1, engine.upload(weights.shape(), delta));
      }
      double[] probability = {1};
      var step =
          new MetaPseudoLabelsStep(
              context,
              job,
              learners.get(0),
              learners.get(1),
              (p, k, seed, at, samples) -> {
                int[] chosen = new int[UNLABELED];
                for (int i = 0; i < UNLABELED; i++) {
                  chosen[i] = labels >> i & 1;
                  probability[0] *= p[i * k + chosen[i]];
                }
                return chosen;
              });
      Rows labeled = rows(context, engine, LABELED, 1);
      Rows strong = rows(context, engine, UNLABELED, 2);
      Map<String, Double> values =
          step.run(
              new StepBatch(
                  0, labeled, new int[] {0, 1, 1, 0}, strong, strong, LABELED, UNLABELED));
      double[] gradient = engine.download(learners.get(0).network().parameters().gradients());
      double after = values.getOrDefault("loss.student.labeled", Double.NaN);
      learners.forEach(Learner::close);
      return new Outcome(probability[0], gradient, after);
    } finally {
      fabric.close();
    }
  }

  private static Rows rows(ShardContext context, Nd4jEngine engine, int n, long key) {
    CounterRandom random = CounterRandom.of(CounterRandom.Purpose.PICTURES, key);
    double[] values = random.doubles(n * 4L, -1, 1).toArray();
    return Rows.of(context, engine.upload(Shape.of(n, 1, 4, 1), values), n, new long[n]);
  }

  /** The expected feedback part of the teacher's gradient. */
  private static double[] expected(String estimator, double rate) {
    double[] sum = null;
    double total = 0;
    for (int labels = 0; labels < VECTORS; labels++) {
      Outcome with = step(job(estimator, rate), labels, 0, 0);
      Outcome without = step(job("off", rate), labels, 0, 0);
      sum = sum == null ? new double[with.gradient().length] : sum;
      for (int i = 0; i < sum.length; i++) {
        sum[i] += with.probability() * (with.gradient()[i] - without.gradient()[i]);
      }
      total += with.probability();
    }
    assertThat(total).isCloseTo(1, within(1e-9));
    return sum;
  }

  private static double expectedLoss(double rate, int weight, double change) {
    double loss = 0;
    for (int labels = 0; labels < VECTORS; labels++) {
      Outcome outcome = step(job("taylor", rate), labels, weight, change);
      loss += outcome.probability() * outcome.lossAfter();
    }
    return loss;
  }

  private static double[] exact(double rate) {
    double[] exact = new double[step(job("off", rate), 0, 0, 0).gradient().length];
    double epsilon = 1e-5;
    for (int i = 0; i < exact.length; i++) {
      exact[i] = (expectedLoss(rate, i, epsilon) - expectedLoss(rate, i, -epsilon)) / (2 * epsilon);
    }
    return exact;
  }

  private static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @Test
  void shouldFollowTheExactMetaGradient() {
    double rate = 0.03;
    double[] exact = exact(rate);
    assertThat(norm(exact)).isGreaterThan(1e-4);

    // The difference of losses is unbiased: equal up to the finite differences.
    double[] taylor = expected("taylor", rate);
    for (int i = 0; i < exact.length; i++) {
      assertThat(taylor[i]).isCloseTo(exact[i], within(1e-7 + 1e-5 * norm(exact)));
    }
    // First-order estimators: right direction, scale right to the order of the rate.
    for (String estimator : new String[] {"dot-product", "per-example"}) {
      double[] estimate = expected(estimator, rate);
      assertThat(dot(estimate, exact) / (norm(estimate) * norm(exact)))
          .as(estimator + " direction")
          .isGreaterThan(0.97);
      assertThat(dot(estimate, exact) / dot(exact, exact))
          .as(estimator + " scale")
          .isBetween(0.85, 1.15);
    }
    // The cosine is no estimate of the scale, but its sign must be right.
    assertThat(dot(expected("cosine", rate), exact)).isPositive();
    // And the control points the other way: a flipped sign would fail all of the above.
    double[] flipped = expected("flipped", rate);
    assertThat(dot(flipped, exact) / (norm(flipped) * norm(exact))).isLessThan(-0.999);
  }

  @Test
  void shouldLoseItsBiasAsTheRateFalls() {
    double rate = 0.01;
    double[] exact = exact(rate);
    for (String estimator : new String[] {"dot-product", "per-example"}) {
      double[] estimate = expected(estimator, rate);
      double[] error = new double[exact.length];
      for (int i = 0; i < error.length; i++) {
        error[i] = estimate[i] - exact[i];
      }
      assertThat(norm(error) / norm(exact)).as(estimator).isLessThan(0.03);
    }
  }
}
