package io.tandem.worker.train;

import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.data.BatchLoader;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.parallel.ShardContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** How good a rank's models are on the test images, and what they say of some; rank 0 tells. */
final class TestAccuracy {
  private final ShardContext context;
  private final JobSpec job;
  private final TrainingData data;
  private final BatchLoader loader;
  private final List<Learner> learners;
  private final Learner result;
  private final Samples samples;

  /**
   * @param learners the teacher (or only model), then the student
   * @param result of these, the one that the job returns
   */
  TestAccuracy(
      ShardContext context,
      JobSpec job,
      TrainingData data,
      BatchLoader loader,
      List<Learner> learners,
      Learner result) {
    this.context = context;
    this.job = job;
    this.data = data;
    this.loader = loader;
    this.learners = learners;
    this.result = result;
    this.samples = new Samples(data, job.evaluation().batch(), context.replicas().size());
  }

  /** Every rank takes part. */
  void evaluate(long step, boolean leader, AttemptListener listener, AttemptLog log) {
    Map<String, Double> values = new LinkedHashMap<>();
    Opinions teacher = null;
    if (learners.size() == 2) {
      teacher = opinions(leader);
      values.put("accuracy.teacher", accuracy(learners.get(0), teacher));
    }
    Opinions student = opinions(leader);
    values.put("accuracy.test", accuracy(result, student));
    if (leader) {
      log.info("step " + step + ": " + values);
      listener.evaluated(
          Evaluated.newBuilder()
              .setStep(step)
              .putAllValues(values)
              .addAllSamples(samples.told(student, teacher))
              .build());
    }
  }

  private double accuracy(Learner learner, Opinions opinions) {
    return Evaluation.accuracy(context, job, loader, learner, data.testCount(), opinions);
  }

  private Opinions opinions(boolean leader) {
    return leader ? samples.opinions() : new Opinions(Set.of());
  }
}
