package io.tandem.worker.train;

import io.tandem.protocol.control.StopMode;
import io.tandem.worker.parallel.ShardContext;

/** What all ranks do alike, though each knows only its own; every rank calls these in one order. */
final class Agreement {
  private Agreement() {}

  /**
   * Workers that found different checkpoints whole must not train together.
   *
   * @throws IllegalStateException where another rank begins at another step
   */
  static void onStart(ShardContext context, long step) {
    double ranks = context.world().size();
    double[] sums = Learner.sum(context.world(), new double[] {step, (double) step * step});
    if (sums[0] != ranks * step || sums[1] != ranks * step * step) {
      throw new IllegalStateException(
          "rank "
              + context.world().index()
              + " would resume at step "
              + step
              + ", the mean of all ranks is "
              + sums[0] / ranks
              + ": do all workers see the same checkpoint directory?");
    }
  }

  /** Every rank learns what any was told, in the same step; the gentlest wish counts. */
  static StopMode onStop(ShardContext context, StopMode own) {
    double[] wishes =
        Learner.sum(
            context.world(),
            new double[] {
              own == StopMode.CHECKPOINT_AND_STOP ? 1 : 0, own == StopMode.CANCEL ? 1 : 0
            });
    return wishes[1] > 0
        ? StopMode.CANCEL
        : wishes[0] > 0 ? StopMode.CHECKPOINT_AND_STOP : StopMode.STOP_UNSPECIFIED;
  }
}
