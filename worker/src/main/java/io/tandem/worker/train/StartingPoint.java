package io.tandem.worker.train;

import io.tandem.protocol.control.Notice;
import io.tandem.worker.checkpoint.AttemptFence;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an attempt goes on from. */
final class StartingPoint {
  private StartingPoint() {}

  /**
   * Opens the newest whole one of the plan's checkpoints, and after the first attempt of those that
   * lie there and the coordinator has not heard of, once for all ranks of this worker: verifying it
   * reads all of its files. Blocks for as long.
   *
   * @param leader whether rank 0 is of this worker, which then marks the attempt as begun, and
   *     names those refused
   * @return open, for the caller to close; empty when there is none, that is, at step 0
   * @throws CheckpointException when there are some and none is whole: what was trained is never
   *     given up without a person's word; or when a later attempt has begun
   */
  static Optional<CheckpointReader> open(AttemptPlan plan, AttemptListener listener, boolean leader)
      throws CheckpointException {
    if (leader) {
      begin(plan, listener);
    }
    List<Path> candidates =
        plan.roster().attempt() == 1
            ? plan.checkpoints()
            : Checkpoints.candidates(plan.checkpoints(), plan.checkpointRoot());
    Checkpoints.Found found = Checkpoints.newestWhole(candidates);
    String instead =
        found
            .reader()
            .map(reader -> reader.directory() + " is used")
            .orElse("none before it can be used");
    if (leader) {
      for (CheckpointException refused : found.refused()) {
        notice(listener, "CHECKPOINT_REFUSED", refused.getMessage() + "; " + instead);
      }
    }
    if (found.reader().isEmpty() && !found.refused().isEmpty()) {
      throw new CheckpointException(
          candidates.get(0).toAbsolutePath().getParent(),
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

  /** Without its mark an attempt trains on: what it guards against is rare. */
  private static void begin(AttemptPlan plan, AttemptListener listener)
      throws CheckpointException.Superseded {
    int attempt = plan.roster().attempt();
    try {
      AttemptFence.begin(plan.checkpointRoot(), attempt);
    } catch (CheckpointException.Superseded e) {
      throw e;
    } catch (CheckpointException e) {
      notice(
          listener,
          "CHECKPOINT_FAILED",
          "attempt "
              + attempt
              + " is not marked as begun, so an earlier one that still runs may write on; training"
              + " goes on: "
              + e.getMessage());
    }
  }

  private static void notice(AttemptListener listener, String code, String text) {
    listener.notice(Notice.newBuilder().setLevel("warning").setCode(code).setText(text).build());
  }
}
