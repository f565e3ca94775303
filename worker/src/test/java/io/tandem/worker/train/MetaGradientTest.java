package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.random.CounterRandom;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The teacher's gradient over all label vectors of a tiny problem, each by its probability, against
 * the exact meta-gradient: no sampling, so a wrong sign, scale or baseline cannot hide in noise.
 */
class MetaGradientTest {
  private static final double RATE = 0.03;

  /**
   * An estimator's bias and noise.
   *
   * @param mean its expectation
   * @param cosine of the expectation and the exact gradient
   * @param scale the expectation's length along the exact gradient, over the latter's
   * @param variance E|g/scale - E g/scale|^2 over |exact|^2
   */
  private record Quality(double[] mean, double cosine, double scale, double variance) {}

  /** The expectation of g, and of |g|^2, over all label vectors. */
  private static Quality quality(
      TinyProblem problem, String estimator, boolean withBaseline, double[] exact) {
    double[][] gradients = new double[problem.vectors()][];
    double[] probability = new double[problem.vectors()];
    double baseline = 0;
    for (int labels = 0; withBaseline && labels < problem.vectors(); labels++) {
      TinyProblem.Outcome outcome = problem.step(estimator, labels);
      // Where a moving average of a shared coefficient comes to rest.
      baseline += outcome.probability() * outcome.feedback();
    }
    double[] mean = new double[problem.weights()];
    for (int labels = 0; labels < problem.vectors(); labels++) {
      TinyProblem.Outcome with =
          withBaseline
              ? problem.step(estimator, labels, baseline)
              : problem.step(estimator, labels);
      double[] without = problem.step("off", labels).gradient();
      probability[labels] = with.probability();
      gradients[labels] = sum(with.gradient(), -1, without);
      mean = sum(mean, with.probability(), gradients[labels]);
    }
    double total = 0;
    double variance = 0;
    for (int labels = 0; labels < problem.vectors(); labels++) {
      total += probability[labels];
      double[] deviation = sum(gradients[labels], -1, mean);
      variance += probability[labels] * dot(deviation, deviation);
    }
    assertThat(total).isCloseTo(1, within(1e-9));
    double scale = dot(mean, exact) / dot(exact, exact);
    return new Quality(
        mean,
        dot(mean, exact) / (norm(mean) * norm(exact)),
        scale,
        variance / (scale * scale * dot(exact, exact)));
  }

  private static double[] exact(TinyProblem problem) {
    double[] exact = new double[problem.weights()];
    for (int i = 0; i < exact.length; i++) {
      double[] direction = new double[exact.length];
      direction[i] = 1;
      exact[i] = problem.exact(direction);
    }
    return exact;
  }

  private static double[] sum(double[] a, double factor, double[] b) {
    double[] c = a.clone();
    for (int i = 0; i < c.length; i++) {
      c[i] += factor * b[i];
    }
    return c;
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
    try (TinyProblem problem = new TinyProblem(2, 3, RATE)) {
      double[] exact = exact(problem);
      assertThat(norm(exact)).isGreaterThan(1e-4);

      // The difference of losses is unbiased: equal up to the finite differences.
      double[] taylor = quality(problem, "taylor", false, exact).mean();
      for (int i = 0; i < exact.length; i++) {
        assertThat(taylor[i]).isCloseTo(exact[i], within(1e-7 + 1e-5 * norm(exact)));
      }
      // First-order estimators: right direction, scale right to the order of the rate.
      for (String estimator : new String[] {"dot-product", "per-example", "all-labels"}) {
        Quality estimate = quality(problem, estimator, false, exact);
        assertThat(estimate.cosine()).as(estimator + " direction").isGreaterThan(0.97);
        assertThat(estimate.scale()).as(estimator + " scale").isBetween(0.85, 1.15);
      }
      // The cosine is no estimate of the scale, but its sign must be right.
      assertThat(quality(problem, "cosine", false, exact).cosine()).isPositive();
      // And the control points the other way: a flipped sign would fail all of the above.
      assertThat(quality(problem, "flipped", false, exact).cosine()).isLessThan(-0.999);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dot-product", "per-example", "all-labels"})
  void shouldLoseItsBiasAsTheRateFalls(String estimator) {
    try (TinyProblem problem = new TinyProblem(2, 3, 0.01)) {
      double[] exact = exact(problem);
      double[] estimate = quality(problem, estimator, false, exact).mean();
      assertThat(norm(sum(estimate, -1, exact)) / norm(exact)).isLessThan(0.03);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'learningRate: 0.005, momentum: 0.9, nesterov: true', 0.05",
    "'learningRate: 0.01, momentum: 0.9, nesterov: false', 0.05",
    // The norm by which a gradient is clipped moves with it; only its value is followed.
    "'learningRate: 0.05, momentum: 0, nesterov: false, clipNorm: 0.1', 0.35"
  })
  void shouldKnowHowTheOptimizerAnswersToTheGradient(String optimizer, double tolerance) {
    try (TinyProblem problem = new TinyProblem(2, 3, optimizer)) {
      double[] exact = exact(problem);
      for (String estimator : new String[] {"dot-product", "per-example", "all-labels"}) {
        assertThat(quality(problem, estimator, false, exact).scale())
            .as(estimator)
            .isCloseTo(1, within(tolerance));
      }
    }
  }

  @Test
  void shouldMoveTheBaselineOfASharedCoefficient() {
    try (TinyProblem problem = new TinyProblem(2, 3, RATE)) {
      TinyProblem.Outcome outcome = problem.step("taylor", 5, 0.4);
      assertThat(outcome.feedback()).isNotZero();
      assertThat(outcome.baseline())
          .isCloseTo(0.99 * 0.4 + 0.01 * outcome.feedback(), within(1e-12));
      assertThat(problem.step("taylor", 5).baseline()).isZero();
    }
  }

  /**
   * Bias and noise of every estimator with 5 unlabelled images of 3 classes, 243 vectors of labels;
   * the table stands in deploy/README.md.
   */
  @Test
  void shouldHaveLessNoiseWithCoefficientsOfEachImageAndWithBaselines() {
    try (TinyProblem problem = new TinyProblem(3, 5, RATE)) {
      // Unbiased, as the first test shows; here once more, along a random direction.
      double[] exact = quality(problem, "taylor", false, filled(problem.weights(), 1)).mean();
      double[] direction =
          CounterRandom.of(CounterRandom.Purpose.PICTURES, 3)
              .doubles(problem.weights(), -1, 1)
              .toArray();
      assertThat(dot(exact, direction))
          .isCloseTo(problem.exact(direction), within(1e-5 * norm(exact)));

      StringBuilder table = new StringBuilder();
      java.util.Map<String, Quality> all = new java.util.LinkedHashMap<>();
      for (String estimator :
          new String[] {"taylor", "dot-product", "cosine", "per-example", "all-labels"}) {
        for (boolean baseline : new boolean[] {false, true}) {
          Quality quality = quality(problem, estimator, baseline, exact);
          all.put(estimator + (baseline ? " baseline" : ""), quality);
          table.append(
              String.format(
                  Locale.ROOT,
                  "| %s | %s | %.4f | %.3f | %.3g |%n",
                  estimator,
                  baseline ? "yes" : "no",
                  quality.cosine(),
                  quality.scale(),
                  quality.variance()));
        }
      }
      System.out.println(
          "| estimator | baseline | cosine with the exact gradient | scale | variance |\n"
              + "|---|---|---|---|---|\n"
              + table);

      // A baseline changes no expectation ...
      for (String estimator : new String[] {"taylor", "dot-product", "per-example"}) {
        Quality with = all.get(estimator + " baseline");
        assertThat(norm(sum(with.mean(), -1, all.get(estimator).mean())))
            .as(estimator)
            .isLessThan(0.02 * norm(exact));
      }
      // ... and lowers the noise, as does a coefficient of each image, and more so of each label.
      assertThat(all.get("taylor baseline").variance())
          .isLessThan(0.9 * all.get("taylor").variance());
      assertThat(all.get("per-example").variance())
          .isLessThan(0.5 * all.get("taylor baseline").variance());
      assertThat(all.get("per-example baseline").variance())
          .isLessThan(all.get("per-example").variance());
      assertThat(all.get("all-labels").variance())
          .isLessThan(0.5 * all.get("per-example baseline").variance());
    }
  }

  private static double[] filled(int n, double value) {
    double[] a = new double[n];
    java.util.Arrays.fill(a, value);
    return a;
  }
}
