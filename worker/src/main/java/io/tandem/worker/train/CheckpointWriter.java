package io.tandem.worker.train;

import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Notice;
import io.tandem.worker.checkpoint.Checkpoint;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.checkpoint.Manifest;
import io.tandem.worker.checkpoint.SafetensorsExport;
import io.tandem.worker.checkpoint.ShardFile;
import io.tandem.worker.parallel.ShardContext;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits checkpoints: the shards of replica 0 write, all ranks agree that all was written, rank 0
 * commits by a rename. A failure (a full disk) is a notice; the training goes on.
 */
final class CheckpointWriter {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointWriter.class);
  private final ShardContext context;
  private final AttemptPlan plan;
  private final AttemptListener listener;
  private final Path root;

  CheckpointWriter(ShardContext context, AttemptPlan plan, AttemptListener listener) {
    this.context = context;
    this.plan = plan;
    this.listener = listener;
    this.root = plan.directory().resolve("checkpoints");
  }

  /** Called by every rank after the same step; returns whether it was committed. */
  boolean commit(
      List<Learner> learners, long step, Map<String, Long> counters, Map<String, Double> scalars) {
    long began = System.nanoTime();
    boolean leader = context.world().index() == 0;
    double failed = 0;
    Path temporary = null;
    try {
      if (context.replicas().index() == 0) {
        temporary = Checkpoint.temporary(root, step, plan.roster().attempt());
        int shards = context.shards().size();
        Snapshot.write(
            context, learners, temporary.resolve(ShardFile.name(context.shard(), shards)));
      }
    } catch (CheckpointException e) {
      failed = 1;
      complain(step, e);
    }
    failed = Learner.sum(context.world(), failed);
    if (failed == 0 && leader) {
      try {
        Path directory = root.resolve(Checkpoints.name(step));
        Manifest manifest =
            Checkpoint.commit(
                temporary,
                directory,
                new Manifest.Facts(
                    plan.roster().jobId(),
                    plan.job().name(),
                    step,
                    context.replicas().size(),
                    context.shards().size(),
                    counters,
                    scalars));
        Checkpoints.prune(root, plan.job().checkpoint().keep(), plan.roster().attempt());
        listener.checkpoint(
            CheckpointCommitted.newBuilder()
                .setStep(step)
                .setPath(directory.toString())
                .setBytes(manifest.files().values().stream().mapToLong(f -> f.bytes()).sum())
                .setSeconds((System.nanoTime() - began) / 1e9)
                .build());
      } catch (CheckpointException e) {
        failed = 1;
        complain(step, e);
      }
    }
    return Learner.sum(context.world(), failed) == 0;
  }

  /** Writes the averaged weights of a model out of the newest checkpoint; rank 0 alone. */
  Path export(long step, String model) throws CheckpointException {
    Path out = plan.directory().resolve("student.safetensors");
    try (CheckpointReader reader = CheckpointReader.open(root.resolve(Checkpoints.name(step)))) {
      SafetensorsExport.write(out, reader, model + ".average.");
    }
    return out;
  }

  /** Opens the newest whole one of the plan's; names those refused. */
  CheckpointReader newest() {
    Checkpoints.Found found = Checkpoints.newestWhole(plan.checkpoints());
    if (context.world().index() == 0) {
      found
          .refused()
          .forEach(
              e ->
                  listener.notice(
                      Notice.newBuilder()
                          .setLevel("warning")
                          .setCode("CHECKPOINT_REFUSED")
                          .setText(e.getMessage() + "; the one before is used")
                          .build()));
    }
    return found.reader().orElse(null);
  }

  private void complain(long step, CheckpointException e) {
    LOG.warn("checkpoint of step {} failed", step, e);
    listener.notice(
        Notice.newBuilder()
            .setLevel("warning")
            .setCode("CHECKPOINT_FAILED")
            .setText(
                "the checkpoint of step "
                    + step
                    + " was not written, training goes on: "
                    + e.getMessage())
            .build());
  }
}
