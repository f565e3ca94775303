package io.tandem.worker.train;

import io.tandem.protocol.control.Notice;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an attempt goes on from. */
final class StartingPoint {
  private StartingPoint() {}

  /**
   * Opens the newest whole one of the plan's checkpoints, once for all ranks of this worker:
   * verifying it reads all of its files. Blocks for as long.
   *
   * @param leader whether rank 0 is of this worker, which then names those refused
   * @return open, for the caller to close; empty when the plan has none, that is, at step 0
   * @throws CheckpointException when the plan has some and none is whole: what was trained is never
   *     given up without a person's word
   */
  static Optional<CheckpointReader> open(AttemptPlan plan, AttemptListener listener, boolean leader)
      throws CheckpointException {
    Checkpoints.Found found = Checkpoints.newestWhole(plan.checkpoints());
    String instead =
        found
            .reader()
            .map(reader -> reader.directory() + " is used")
            .orElse("none before it can be used");
    if (leader) {
      for (CheckpointException refused : found.refused()) {
        listener.notice(
            Notice.newBuilder()
                .setLevel("warning")
                .setCode("CHECKPOINT_REFUSED")
                .setText(refused.getMessage() + "; " + instead)
                .build());
      }
    }
    if (found.reader().isEmpty() && !found.refused().isEmpty()) {
      throw new CheckpointException(
          plan.checkpoints().get(0).toAbsolutePath().getParent(),
          "no committed checkpoint can be used ("
              + found.refused().stream()
                  .map(CheckpointException::getMessage)
                  .collect(Collectors.joining("; "))
              + "); mount the directory on worker "
              + plan.workerId()
              + " or restore one of them, or submit a new job to start over");
    }
    return found.reader();
  }
}
