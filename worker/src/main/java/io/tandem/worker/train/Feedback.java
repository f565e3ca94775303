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
 * loss of B images, L the labelled loss, g = grad L(theta'), and r = d(theta)/d(gradient), the
 * step's response to its gradient (the rate; with Nesterov momentum m, rate * (1 + m)):
 *
 * <ul>
 *   <li>taylor: {@code L(theta) - L(theta')}, one for all images
 *   <li>dot-product: {@code r <g, grad of the student's loss at theta>}, the first order of taylor
 *   <li>cosine: the cosine of the two gradients: a bounded signal, not an unbiased one
 *   <li>per-example: {@code r/B <g, grad CE_i(theta)>}, by a central difference of CE_i along g:
 *       two forward passes. Its expectation over labels, known from the same passes, is its
 *       baseline.
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
  private Tensor weightsBefore;
  private Tensor gradientBefore;

  Feedback(ShardContext context, JobSpec job, Learner student) {
    this.context = context;
    this.student = student;
    this.network = student.network();
    this.spec = job.algorithm().feedback();
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

  /** Measures the labelled loss before the student's step. */
  void before(StepBatch batch) {
    if (estimator != Estimator.OFF) {
      lossBefore = labeledLoss(batch, false);
    }
  }

  /** Keeps, right before the student's step, what its estimator needs of that moment. */
  void remember() {
    Engine engine = context.engine();
    if (estimator == Estimator.PER_EXAMPLE) {
      weightsBefore = engine.uninitialized(network.parameters().weights().shape());
      engine.copy(network.parameters().weights(), weightsBefore);
    } else if (estimator == Estimator.DOT_PRODUCT || estimator == Estimator.COSINE) {
      gradientBefore = engine.uninitialized(network.parameters().gradients().shape());
      engine.copy(network.parameters().gradients(), gradientBefore);
    }
  }

  /**
   * One coefficient an unlabelled image of this replica, after the student's step.
   *
   * @param sampled the sampled labels
   * @param teacherP the teacher's probabilities that they were drawn from, N x K
   * @param rate the student's learning rate in the step
   */
  double[] coefficients(StepBatch batch, int[] sampled, double[] teacherP, double rate) {
    values.clear();
    double[] h = new double[sampled.length];
    if (estimator == Estimator.OFF) {
      return h;
    }
    boolean gradient =
        estimator == Estimator.DOT_PRODUCT
            || estimator == Estimator.COSINE
            || estimator == Estimator.PER_EXAMPLE;
    double lossAfter = labeledLoss(batch, gradient);
    values.put("loss.student.labeled", lossAfter);
    double response = rate * (student.spec().nesterov() ? 1 + student.spec().momentum() : 1);
    switch (estimator) {
      case TAYLOR -> shared(h, lossBefore - lossAfter);
      case FLIPPED -> shared(h, lossAfter - lossBefore);
      case DOT_PRODUCT -> shared(h, response * dot());
      case COSINE -> shared(h, cosine());
      default -> perExample(h, batch, sampled, teacherP, response);
    }
    return h;
  }

  private void shared(double[] h, double coefficient) {
    values.put("feedback", coefficient);
    Arrays.fill(h, spec.scale() * (coefficient - baseline));
    if (spec.baselineDecay() > 0) {
      baseline = spec.baselineDecay() * baseline + (1 - spec.baselineDecay()) * coefficient;
    }
  }

  private double dot() {
    double dot = student.dot(network.parameters().gradients(), gradientBefore);
    return dot;
  }

  private double cosine() {
    double a = student.squaredGradientNorm();
    double b = student.dot(gradientBefore, gradientBefore);
    return dot() / Math.max(1e-30, Math.sqrt(a * b));
  }

  private void perExample(
      double[] h, StepBatch batch, int[] sampled, double[] teacherP, double response) {
    Engine engine = context.engine();
    Tensor weights = network.parameters().weights();
    Tensor g = network.parameters().gradients();
    double norm = Math.sqrt(student.squaredGradientNorm());
    if (norm == 0) {
      return;
    }
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
    double sum = 0;
    double squares = 0;
    for (int label = 0; label < k; label++) {
      int[] all = new int[sampled.length];
      Arrays.fill(all, label);
      double[] targets = Logits.targets(all, k, smoothing);
      double[] up = Logits.crossEntropy(plus, targets, k);
      double[] down = Logits.crossEntropy(minus, targets, k);
      for (int i = 0; i < h.length; i++) {
        double coefficient = factor * (up[i] - down[i]);
        if (label == sampled[i]) {
          h[i] += coefficient;
        }
        if (spec.baselineDecay() > 0) {
          h[i] -= teacherP[i * k + label] * coefficient;
        }
      }
    }
    for (int i = 0; i < h.length; i++) {
      sum += h[i];
      squares += h[i] * h[i];
      h[i] *= spec.scale();
    }
    double[] sums = Learner.sum(context.replicas(), new double[] {sum, squares});
    values.put("feedback", sums[0] / batch.unlabeledTotal());
    values.put("feedback.spread", Math.sqrt(sums[1] / batch.unlabeledTotal()));
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
