package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec.FeedbackSpec;
import io.tandem.protocol.job.AlgorithmSpec.UdaSpec;
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

/**
 * Meta Pseudo Labels (Pham et al., arXiv 2003.10580), one step, in the order in which things
 * happen. The teacher labels the strong views by sampling; the student learns from those labels;
 * how far the student's labelled loss fell is the feedback h; the teacher's gradient is {@code
 * sum_i h_i grad CE(sampled label_i, teacher_i)} (REINFORCE, hence the sum and not the mean over
 * images), plus its own supervised and UDA losses. Everything distributed happens below this page.
 */
final class MetaPseudoLabelsStep implements TrainingStep {
  private final ShardContext context;
  private final JobSpec job;
  private final Learner teacher;
  private final Learner student;
  private final Feedback feedback;

  private final LabelSampler sampler;

  /** Draws one label a row; tests enumerate them instead. */
  interface LabelSampler {
    /** As {@link Logits#sample}. */
    int[] sample(double[] probabilities, int k, long seed, long step, long[] samples);
  }

  MetaPseudoLabelsStep(ShardContext context, JobSpec job, Learner teacher, Learner student) {
    this(context, job, job.algorithm().feedback(), teacher, student, Logits::sample);
  }

  MetaPseudoLabelsStep(
      ShardContext context,
      JobSpec job,
      FeedbackSpec spec,
      Learner teacher,
      Learner student,
      LabelSampler sampler) {
    this.sampler = sampler;
    this.context = context;
    this.job = job;
    this.teacher = teacher;
    this.student = student;
    this.feedback = new Feedback(context, job, spec, student);
  }

  @Override
  public Map<String, Double> run(StepBatch batch) {
    int k = job.data().classes();
    long step = batch.step();
    int labeled = batch.labels().length;
    double smoothing = job.algorithm().labelSmoothing();
    UdaSpec uda = job.algorithm().uda();

    // 1. The teacher's targets on the weak views, then its logits on labelled images and strong
    // views.
    Consistency consistency =
        uda.weight() > 0 ? TeacherTerms.uda(teacher.network(), uda, batch, k) : null;
    Rows both = Rows.joined(context, batch.labeled(), batch.strong());
    Network.Pass pass =
        teacher
            .network()
            .forward(
                both.images(),
                both.split(),
                ForwardMode.train(job.seed(), step, both.samples()),
                true);
    double[] logits = both.natural(pass.logits(), k);
    // Labels can be drawn from anything; the student must not learn from what is not a number.
    DivergedException.finite(
        "the sum of the teacher's logits",
        step,
        Learner.sum(context.replicas(), Arrays.stream(logits).sum()));
    double[] strongLogits = Arrays.copyOfRange(logits, labeled * k, logits.length);

    // 2. Hard labels, sampled from the teacher on the same strong views.
    double[] teacherP = Logits.softmax(strongLogits, k, 1);
    int[] sampled = sampler.sample(teacherP, k, job.seed(), step, batch.strong().samples());

    // 3. The student learns from them; its labelled loss is measured before and after.
    feedback.before(batch);
    double[] studentTargets = Logits.targets(sampled, k, smoothing);
    double rate = Schedule.rate(student.spec(), step, job.training().steps());
    double studentLoss = studentUpdate(batch, studentTargets, rate, k);

    // 4. Feedback: the coefficient of each label's cross entropy; of those not sampled, mostly 0.
    double[] h = feedback.coefficients(batch, sampled, teacherP);

    // 5. The teacher's gradient: feedback, supervised, UDA.
    double[] dLogits = new double[logits.length];
    Logits.addLabelGradients(dLogits, logits, labeled, h, k);
    double[] targets = Logits.targets(batch.labels(), k, smoothing);
    double[] each = new double[labeled];
    Arrays.fill(each, 1.0 / batch.labeledTotal());
    Logits.addCrossEntropyGradient(dLogits, logits, 0, targets, each, k);
    double[] losses = new double[3];
    losses[0] =
        Arrays.stream(Logits.crossEntropy(Arrays.copyOf(logits, labeled * k), targets, k)).sum()
            / batch.labeledTotal();
    if (consistency != null) {
      double weight = Consistency.ramp(uda.weight(), uda.rampSteps(), step);
      double[] mask = consistency.mask();
      double[] loss = Logits.crossEntropy(strongLogits, consistency.targets(), k);
      double[] weights = new double[mask.length];
      for (int i = 0; i < mask.length; i++) {
        weights[i] = weight * mask[i] / batch.unlabeledTotal();
        losses[1] += mask[i] * loss[i] / batch.unlabeledTotal();
        losses[2] += mask[i] / batch.unlabeledTotal();
      }
      Logits.addCrossEntropyGradient(dLogits, logits, labeled, consistency.targets(), weights, k);
    }
    Learner.sum(context.replicas(), losses);
    DivergedException.finite("the teacher's labelled loss", step, losses[0]);

    // 6. The teacher learns.
    teacher.clearGradients();
    pass.backward(both.asRows(dLogits, k));
    teacher.reduceGradients();
    double norm =
        DivergedException.finite("the teacher's gradient", step, teacher.squaredGradientNorm());
    double teacherRate = Schedule.rate(teacher.spec(), step, job.training().steps());
    teacher.update(teacherRate, norm);

    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss.labeled", losses[0]);
    values.put("loss.consistency", losses[1]);
    values.put("share.confident", losses[2]);
    values.put("loss.student", studentLoss);
    values.putAll(feedback.values());
    values.put("rate.teacher", teacherRate);
    values.put("rate.student", rate);
    values.put("gradient.teacher", Math.sqrt(norm));
    return values;
  }

  private double studentUpdate(StepBatch batch, double[] targets, double rate, int k) {
    Rows strong = batch.strong();
    Network.Pass pass =
        student
            .network()
            .forward(
                strong.images(),
                strong.split(),
                ForwardMode.train(job.seed(), batch.step(), strong.samples()),
                true);
    double[] logits = strong.natural(pass.logits(), k);
    double[] each = new double[strong.split().total()];
    Arrays.fill(each, 1.0 / batch.unlabeledTotal());
    double[] dLogits = new double[logits.length];
    Logits.addCrossEntropyGradient(dLogits, logits, 0, targets, each, k);
    double loss =
        Learner.sum(
            context.replicas(),
            Arrays.stream(Logits.crossEntropy(logits, targets, k)).sum() / batch.unlabeledTotal());
    DivergedException.finite("the student's loss", batch.step(), loss);
    student.clearGradients();
    pass.backward(strong.asRows(dLogits, k));
    student.reduceGradients();
    double norm =
        DivergedException.finite(
            "the student's gradient", batch.step(), student.squaredGradientNorm());
    feedback.remember(student.response(rate, norm));
    student.update(rate, norm);
    return loss;
  }

  /** The moving average of a shared coefficient, for checkpoints. */
  Feedback feedback() {
    return feedback;
  }

  @Override
  public Learner result() {
    return student;
  }

  @Override
  public List<Learner> learners() {
    return List.of(teacher, student);
  }
}
