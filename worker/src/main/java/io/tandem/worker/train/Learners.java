package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Models;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.ShardContext;
import java.util.List;

/** Makes the models that a job trains. */
final class Learners {
  private Learners() {}

  /** The teacher (or only model), then the student; the caller closes them. */
  static List<Learner> of(ShardContext context, JobSpec job) {
    ModelDefinition definition = Models.of(job.model(), job.data());
    Learner teacher = learner(context, job, definition, 0);
    return job.algorithm().name() == AlgorithmSpec.Name.META_PSEUDO_LABELS
        ? List.of(teacher, learner(context, job, definition, 1))
        : List.of(teacher);
  }

  private static Learner learner(
      ShardContext context, JobSpec job, ModelDefinition definition, int id) {
    Network network =
        new Network(
            context,
            definition,
            job.model().batchNormMomentum(),
            job.model().minimumStrip(),
            job.seed(),
            id);
    var spec = id == 0 ? job.training().teacher() : job.training().student();
    return new Learner(context, network, spec, job.training().ema());
  }
}
