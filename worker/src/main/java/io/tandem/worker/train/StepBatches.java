package io.tandem.worker.train;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.data.Batch;
import io.tandem.worker.data.Needs;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ShardContext;

/** Hands a loaded batch to the engine. */
final class StepBatches {
  /** Keys of unlabelled places begin here, so that they differ from those of labelled places. */
  private static final long UNLABELED = 1L << 32;

  private StepBatches() {}

  static StepBatch upload(
      ShardContext context,
      JobSpec job,
      Needs needs,
      Batch batch,
      int labeledTotal,
      int unlabeledTotal) {
    Engine engine = context.engine();
    int shard = context.shard();
    int labeledRows = batch.labels().length;
    // The group's first place: its shards' parts are cut as Split cuts.
    long firstLabeled =
        batch.labeledPlaces().from() - (long) labeledRows * shard / context.shards().size();
    Rows labeled =
        Rows.of(
            context,
            images(engine, job, batch.labeledWeak(), batch.labeledPlaces().size()),
            labeledRows,
            keys(firstLabeled, labeledRows));
    Rows weak = null;
    Rows strong = null;
    if (needs.unlabeledWeak()) {
      int rows = batch.unlabeledSamples().length;
      int own = batch.unlabeledPlaces().size();
      long first = batch.unlabeledPlaces().from() - (long) rows * shard / context.shards().size();
      long[] keys = keys(UNLABELED + first, rows);
      weak = Rows.of(context, images(engine, job, batch.unlabeledWeak(), own), rows, keys);
      strong =
          needs.unlabeledStrong()
              ? Rows.of(context, images(engine, job, batch.unlabeledStrong(), own), rows, keys)
              : weak;
    }
    return new StepBatch(
        batch.step(), labeled, batch.labels(), weak, strong, labeledTotal, unlabeledTotal);
  }

  /** n H W C from a loader's array. */
  static Tensor images(Engine engine, JobSpec job, float[] pixels, int n) {
    DataSpec data = job.data();
    Shape shape = Shape.of(n, data.imageHeight(), data.imageWidth(), data.channels());
    return n == 0 ? engine.zeros(shape) : engine.upload(shape, pixels);
  }

  private static long[] keys(long first, int rows) {
    long[] keys = new long[rows];
    java.util.Arrays.setAll(keys, i -> first + i);
    return keys;
  }
}
