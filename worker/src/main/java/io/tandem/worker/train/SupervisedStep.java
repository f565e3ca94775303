package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.algorithm.Consistency;
import io.tandem.worker.algorithm.Logits;
import io.tandem.worker.optim.Schedule;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.ShardContext;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongToDoubleFunction;

/**
 * One model on labelled images, and where the algorithm asks for it on unlabelled ones: {@code
 * supervised}, {@code pseudo-labels} and {@code uda}. Reads in the order in which things happen.
 */
final class SupervisedStep implements TrainingStep {
  private final ShardContext context;
  private final JobSpec job;
  private final AlgorithmSpec.Name method;
  private final Learner model;
  private final LongToDoubleFunction rates;

  /** The main phase of a job's method. */
  static SupervisedStep main(ShardContext context, JobSpec job, Learner model) {
    return new SupervisedStep(
        context,
        job,
        job.algorithm().name(),
        model,
        step -> Schedule.rate(model.spec(), step, job.training().steps()));
  }

  /** The last phase of Meta Pseudo Labels: the student on labelled images, at a fixed rate. */
  static SupervisedStep fineTune(ShardContext context, JobSpec job, Learner student) {
    return new SupervisedStep(
        context,
        job,
        AlgorithmSpec.Name.SUPERVISED,
        student,
        step -> job.algorithm().fineTune().learningRate());
  }

  private SupervisedStep(
      ShardContext context,
      JobSpec job,
      AlgorithmSpec.Name method,
      Learner model,
      LongToDoubleFunction rates) {
    this.context = context;
    this.job = job;
    this.method = method;
    this.model = model;
    this.rates = rates;
  }

  @Override
  public Map<String, Double> run(StepBatch batch) {
    int k = job.data().classes();
    long step = batch.step();
    Network network = model.network();

    Consistency consistency = consistency(batch, k);
    boolean unlabeled = consistency != null;
    Rows rows = unlabeled ? Rows.joined(context, batch.labeled(), batch.strong()) : batch.labeled();
    Network.Pass pass =
        network.forward(
            rows.images(), rows.split(), ForwardMode.train(job.seed(), step, rows.samples()), true);
    double[] logits = rows.natural(pass.logits(), k);

    int n = batch.labels().length;
    double[] targets = Logits.targets(batch.labels(), k, job.algorithm().labelSmoothing());
    double[] dLogits = new double[logits.length];
    double[] each = new double[n];
    Arrays.fill(each, 1.0 / batch.labeledTotal());
    Logits.addCrossEntropyGradient(dLogits, logits, 0, targets, each, k);
    double[] losses = new double[3];
    losses[0] = sum(Logits.crossEntropy(Arrays.copyOf(logits, n * k), targets, k), each);

    if (unlabeled) {
      double weight = consistencyWeight(step) / batch.unlabeledTotal();
      double[] mask = consistency.mask();
      double[] weights = Arrays.stream(mask).map(m -> m * weight).toArray();
      Logits.addCrossEntropyGradient(dLogits, logits, n, consistency.targets(), weights, k);
      double[] strong = Arrays.copyOfRange(logits, n * k, logits.length);
      losses[1] =
          sum(Logits.crossEntropy(strong, consistency.targets(), k), mask) / batch.unlabeledTotal();
      losses[2] = Arrays.stream(mask).sum() / batch.unlabeledTotal();
    }
    Learner.sum(context.replicas(), losses);
    DivergedException.finite("the labelled loss", step, losses[0]);

    model.clearGradients();
    pass.backward(rows.asRows(dLogits, k));
    model.reduceGradients();
    double norm = DivergedException.finite("the gradient", step, model.squaredGradientNorm());
    double rate = rates.applyAsDouble(step);
    model.update(rate, norm);

    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss.labeled", losses[0]);
    if (unlabeled) {
      values.put("loss.consistency", losses[1]);
      values.put("share.confident", losses[2]);
    }
    values.put("rate.teacher", rate);
    values.put("gradient.teacher", Math.sqrt(norm));
    return values;
  }

  private Consistency consistency(StepBatch batch, int k) {
    return switch (method) {
      case UDA -> TeacherTerms.uda(model.network(), job.algorithm().uda(), batch, k);
      case PSEUDO_LABELS ->
          Consistency.pseudoLabels(
              TeacherTerms.weakLogits(model.network(), batch, k),
              k,
              job.algorithm().pseudoLabels().threshold());
      default -> null;
    };
  }

  private double consistencyWeight(long step) {
    var uda = job.algorithm().uda();
    var pseudo = job.algorithm().pseudoLabels();
    return switch (method) {
      case UDA -> Consistency.ramp(uda.weight(), uda.rampSteps(), step);
      default -> Consistency.ramp(pseudo.weight(), pseudo.rampSteps(), step);
    };
  }

  private static double sum(double[] values, double[] weights) {
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      sum += weights[i] * values[i];
    }
    return sum;
  }

  @Override
  public Learner result() {
    return model;
  }

  @Override
  public List<Learner> learners() {
    return List.of(model);
  }
}
