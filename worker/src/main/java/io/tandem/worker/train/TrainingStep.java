package io.tandem.worker.train;

import java.util.Map;

/** One step of an algorithm, called by every rank with its part of the same batch. */
public interface TrainingStep {
  /**
   * Computes and updates.
   *
   * @return losses, feedback and rates by name, the same on every rank
   * @throws DivergedException on every rank, before any weight is changed by what is not finite
   */
  Map<String, Double> run(StepBatch batch);

  /** The network whose averaged weights are evaluated and exported. */
  Learner result();

  /** The learners in the order of their ids: the teacher (or only model), then the student. */
  java.util.List<Learner> learners();
}
