package io.tandem.worker.train;

import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.algorithm.Logits;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.data.BatchLoader;
import io.tandem.worker.data.EvaluationBatch;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.ShardContext;

/** Test accuracy of averaged weights over all replicas. */
final class Evaluation {
  private Evaluation() {}

  /**
   * The share of the test images whose largest logit is their label's.
   *
   * @param tests how many test images there are
   * @param opinions hears the logits of all of this replica's images
   */
  static double accuracy(
      ShardContext context,
      JobSpec job,
      BatchLoader loader,
      Learner learner,
      int tests,
      Opinions opinions) {
    Engine engine = context.engine();
    int k = job.data().classes();
    double correct = 0;
    learner.swapAverage();
    try {
      for (int from = 0; from < tests; from += job.evaluation().batch()) {
        EvaluationBatch batch =
            loader.evaluation(from, Math.min(tests, from + job.evaluation().batch()));
        int rows = batch.replicaPlaces().size();
        if (rows == 0) {
          continue;
        }
        try (var scope = engine.openScope()) {
          Tensor images = StepBatches.images(engine, job, batch.images(), batch.places().size());
          double[] logits =
              learner
                  .network()
                  .forward(
                      images,
                      Split.even(rows, context.shards().size()),
                      ForwardMode.evaluate(),
                      false)
                  .logits();
          opinions.hear(batch.replicaPlaces().from(), logits, k);
          int[] best = Logits.argmax(logits, k);
          for (int n = 0; n < rows; n++) {
            correct += best[n] == batch.labels()[n] ? 1 : 0;
          }
        }
      }
    } finally {
      learner.swapAverage();
    }
    return Learner.sum(context.replicas(), correct) / tests;
  }
}
