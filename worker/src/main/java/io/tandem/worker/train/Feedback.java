package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec.Estimator;
import io.tandem.protocol.job.AlgorithmSpec.FeedbackSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.algorithm.Logits;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.ShardContext;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Estimators of the feedback h: the coefficient of each sampled label's cross entropy in the
 * teacher's gradient. With theta the student's weights, theta' those after its step on the mean
 * loss of B images, L the labelled loss, g = grad L(theta'), and r the step's response to its
 * gradient ({@link Learner#response}):
 *
 * <ul>
 *   <li>taylor: {@code L(theta) - L(theta')}, one for all images
 *   <li>dot-product: {@code r <g, grad of the student's loss at theta>}, the first order of taylor
 *   <li>cosine: the cosine of the two gradients: a bounded signal, not an unbiased one
 *   <li>per-example: {@code r/B <g, grad CE_i(theta)>}, by a central difference of CE_i along g:
 *       two forward passes. The same passes tell that of every other label, and with them the
 *       image's own baseline of least noise.
 *   <li>all-labels: the same passes give {@code c_ij = r/B <g, grad CE_i(label j, theta)>} for
 *       every label, so the sampled one gives way to its expectation, {@code p_ij (c_ij - sum_j
 *       p_ij c_ij)} for label j. What noise remains is that of g.
 * </ul>
 *
 * L is measured by the labelled batch's own statistics, without dropout and side effects. A shared
 * coefficient has a moving average as baseline, which changes no expectation.
 */
final class Feedback {
  private final ShardContext context;
  private final Network network;
  private final Learner student;
  private final FeedbackSpec spec;
  private final Estimator estimator;
  private final double smoothing;
  private final long seed;
  private final int k;
  private final Map<String, Double> values = new LinkedHashMap<>();
  private double baseline;
  private double lossBefore;
  private double response;
  private Tensor weightsBefore;
  private Tensor gradientBefore;

  Feedback(ShardContext context, JobSpec job, FeedbackSpec spec, Learner student) {
    this.context = context;
    this.student = student;
    this.network = student.network();
    this.spec = spec;
    this.estimator = spec.estimator();
    this.smoothing = job.algorithm().labelSmoothing();
    this.seed = job.seed();
    this.k = job.data().classes();
  }

  /** The moving average of a shared coefficient. */
  double baseline() {
    return baseline;
  }

  /** Continues from a checkpoint. */
  void baseline(double value) {
    baseline = value;
  }

  /** What the last step measured, by name. */
  Map<String, Double> values() {
    return values;
  }

  /** Measures the labelled loss before the student's step, for the estimators that compare it. */
  void before(StepBatch batch) {
    if (ofLosses()) {
      lossBefore = labeledLoss(batch, false);
    }
  }

  /**
   * Keeps, right before the student's step, what its estimator needs of that moment.
   *
   * @param stepResponse {@link Learner#response} of the step
   */
  void remember(double stepResponse) {
    Engine engine = context.engine();
    response = stepResponse;
    if (ofEachImage()) {
      weightsBefore = engine.uninitialized(network.parameters().weights().shape());
      engine.copy(network.parameters().weights(), weightsBefore);
    } else if (estimator == Estimator.DOT_PRODUCT || estimator == Estimator.COSINE) {
      gradientBefore = engine.uninitialized(network.parameters().gradients().shape());
      engine.copy(network.parameters().gradients(), gradientBefore);
    }
  }

  private boolean ofLosses() {
    return estimator == Estimator.TAYLOR || estimator == Estimator.FLIPPED;
  }

  private boolean ofEachImage() {
    return estimator == Estimator.PER_EXAMPLE || estimator == Estimator.ALL_LABELS;
  }

  /**
   * After the student's step: for every unlabelled image of this replica the coefficients of its
   * labels' cross entropies, N x K; all but the sampled label's are 0 but for all-labels.
   *
   * @param sampled the sampled labels
   * @param teacherP the teacher's probabilities that they were drawn from, N x K
   */
  double[] coefficients(StepBatch batch, int[] sampled, double[] teacherP) {
    values.clear();
    double[] h = new double[sampled.length * k];
    if (estimator == Estimator.OFF) {
      return h;
    }
    double lossAfter = labeledLoss(batch, !ofLosses());
    values.put("loss.student.labeled", lossAfter);
    switch (estimator) {
      case TAYLOR -> shared(h, sampled, lossBefore - lossAfter);
      case FLIPPED -> shared(h, sampled, lossAfter - lossBefore);
      case DOT_PRODUCT -> shared(h, sampled, response * dot());
      case COSINE -> shared(h, sampled, cosine());
      default -> ofEachImage(h, sampled, teacherP, labelCoefficients(batch, sampled.length));
    }
    return h;
  }

  private void shared(double[] h, int[] sampled, double coefficient) {
    values.put("feedback", coefficient);
    for (int i = 0; i < sampled.length; i++) {
      h[i * k + sampled[i]] = spec.scale() * (coefficient - baseline);
    }
    if (spec.baselineDecay() > 0) {
      baseline = spec.baselineDecay() * baseline + (1 - spec.baselineDecay()) * coefficient;
    }
  }

  private double dot() {
    return student.dot(network.parameters().gradients(), gradientBefore);
  }

  private double cosine() {
    double a = student.squaredGradientNorm();
    double b = student.dot(gradientBefore, gradientBefore);
    return dot() / Math.max(1e-30, Math.sqrt(a * b));
  }

  /** From the coefficient c of every label, N x K, those that the teacher's gradient takes. */
  private void ofEachImage(double[] h, int[] sampled, double[] teacherP, double[] c) {
    boolean all = estimator == Estimator.ALL_LABELS;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < sampled.length; i++) {
      double[] p = Arrays.copyOfRange(teacherP, i * k, (i + 1) * k);
      double[] weights = all ? p : leastNoise(p);
      double known = 0;
      for (int j = 0; j < k && (all || spec.baselineDecay() > 0); j++) {
        known += weights[j] * c[i * k + j];
      }
      int label = i * k + sampled[i];
      for (int j = i * k; j < (i + 1) * k; j++) {
        double weight = all ? teacherP[j] : j == label ? 1 : 0;
        h[j] = spec.scale() * weight * (c[j] - known);
      }
      sum += c[label] - known;
      squares += (c[label] - known) * (c[label] - known);
    }
    double[] sums = Learner.sum(context.replicas(), new double[] {sum, squares, sampled.length});
    double images = sums[2];
    values.put("feedback", sums[0] / images);
    values.put("feedback.spread", Math.sqrt(sums[1] / images));
  }

  /**
   * What each label's coefficient weighs in an image's baseline b: any b leaves the expectation of
   * {@code (c_j - b)(p - onehot_j)} as it is, that with {@code p_j |p - onehot_j|^2} has the least
   * noise (Greensmith, Bartlett and Baxter, 2004).
   */
  private static double[] leastNoise(double[] p) {
    double square = Arrays.stream(p).map(x -> x * x).sum();
    double[] weights = Arrays.stream(p).map(x -> x * (square - 2 * x + 1)).toArray();
    double sum = Arrays.stream(weights).sum();
    return sum < 1e-30 ? p : Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  /** {@code r/B <g, grad CE_i(label j, theta)>}, N x K. */
  private double[] labelCoefficients(StepBatch batch, int n) {
    double[] c = new double[n * k];
    double norm = Math.sqrt(student.squaredGradientNorm());
    if (norm == 0) {
      return c;
    }
    Engine engine = context.engine();
    Tensor weights = network.parameters().weights();
    Tensor g = network.parameters().gradients();
    Tensor weightsAfter = engine.uninitialized(weights.shape());
    engine.copy(weights, weightsAfter);
    // Of the order of the roundings' cube root, as a central difference wants it.
    double epsilon = (engine.dtype() == DType.FLOAT64 ? 1e-4 : 1e-2) / norm;
    engine.copy(weightsBefore, weights);
    engine.addScaled(weights, epsilon, g);
    double[] plus = studentLogits(batch);
    engine.addScaled(weights, -2 * epsilon, g);
    double[] minus = studentLogits(batch);
    engine.copy(weightsAfter, weights);
    weightsAfter.close();
    weightsBefore.close();

    double factor = response / batch.unlabeledTotal() / (2 * epsilon);
    for (int label = 0; label < k; label++) {
      int[] all = new int[n];
      Arrays.fill(all, label);
      double[] targets = Logits.targets(all, k, smoothing);
      double[] up = Logits.crossEntropy(plus, targets, k);
      double[] down = Logits.crossEntropy(minus, targets, k);
      for (int i = 0; i < n; i++) {
        c[i * k + label] = factor * (up[i] - down[i]);
      }
    }
    return c;
  }

  /** The student's logits on the strong views as in its step: same dropout, no side effect. */
  private double[] studentLogits(StepBatch batch) {
    Rows strong = batch.strong();
    ForwardMode mode = new ForwardMode(true, false, true, seed, batch.step(), strong.samples());
    return strong.natural(
        network.forward(strong.images(), strong.split(), mode, false).logits(), k);
  }

  /** The mean labelled loss over the whole mesh; with its gradient in the student's gradients. */
  private double labeledLoss(StepBatch batch, boolean withGradient) {
    Rows rows = batch.labeled();
    Network.Pass pass =
        network.forward(rows.images(), rows.split(), ForwardMode.probe(), withGradient);
    double[] logits = rows.natural(pass.logits(), k);
    double[] targets = Logits.targets(batch.labels(), k, 0);
    double loss =
        Learner.sum(
            context.replicas(),
            Arrays.stream(Logits.crossEntropy(logits, targets, k)).sum() / batch.labeledTotal());
    DivergedException.finite("the student's labelled loss", batch.step(), loss);
    if (withGradient) {
      double[] each = new double[batch.labels().length];
      Arrays.fill(each, 1.0 / batch.labeledTotal());
      double[] dLogits = new double[logits.length];
      Logits.addCrossEntropyGradient(dLogits, logits, 0, targets, each, k);
      student.clearGradients();
      pass.backward(rows.asRows(dLogits, k));
      student.reduceGradients();
    }
    return loss;
  }
}
