package io.tandem.worker.train;

import io.tandem.worker.autograd.Split;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ShardContext;
import java.util.List;

/**
 * Images for one forward pass: this shard's part, and where each row of the group's logits belongs.
 *
 * @param images n H W C, this shard's
 * @param split how the group's rows are cut into the shards' parts
 * @param samples random keys in the order of rows
 * @param order row r of the logits is image {@code order[r]} of the batch as the step sees it
 */
record Rows(Tensor images, Split split, long[] samples, int[] order) {
  /** A batch in its own order. */
  static Rows of(ShardContext context, Tensor images, int total, long[] samples) {
    int[] order = new int[total];
    java.util.Arrays.setAll(order, i -> i);
    return new Rows(images, Split.even(total, context.shards().size()), samples, order);
  }

  /** Two batches as one, a's images first: every shard's part is its part of a, then of b. */
  static Rows joined(ShardContext context, Rows a, Rows b) {
    Engine engine = context.engine();
    Tensor images =
        a.images.shape().elements() == 0
            ? b.images
            : b.images.shape().elements() == 0
                ? a.images
                : engine.concatenate(List.of(a.images, b.images));
    Split split = Split.joined(a.split, b.split);
    int[] order = new int[split.total()];
    long[] samples = new long[split.total()];
    int row = 0;
    for (int s = 0; s < split.parts(); s++) {
      for (int i = a.split.start(s); i < a.split.end(s); i++) {
        samples[row] = a.samples[i];
        order[row++] = a.order[i];
      }
      for (int i = b.split.start(s); i < b.split.end(s); i++) {
        samples[row] = b.samples[i];
        order[row++] = a.split.total() + b.order[i];
      }
    }
    return new Rows(images, split, samples, order);
  }

  /** Rows of logits in the step's order. */
  double[] natural(double[] rows, int k) {
    double[] natural = new double[rows.length];
    for (int r = 0; r < order.length; r++) {
      System.arraycopy(rows, r * k, natural, order[r] * k, k);
    }
    return natural;
  }

  /** The inverse of {@link #natural}. */
  double[] asRows(double[] natural, int k) {
    double[] rows = new double[natural.length];
    for (int r = 0; r < order.length; r++) {
      System.arraycopy(natural, order[r] * k, rows, r * k, k);
    }
    return rows;
  }
}
