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
import io.tandem.worker.checkpoint.TensorSlice;
import io.tandem.worker.parallel.ShardContext;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Commits checkpoints: the shards of replica 0 write, all ranks agree that all was written, rank 0
 * commits. A failure (a full disk, a store that does not answer) is a notice; the training goes on.
 */
final class CheckpointWriter {
  private final ShardContext context;
  private final AttemptPlan plan;
  private final AttemptListener listener;
  private final AttemptLog log;
  private final Path root;

  CheckpointWriter(
      ShardContext context, AttemptPlan plan, AttemptListener listener, AttemptLog log) {
    this.context = context;
    this.plan = plan;
    this.listener = listener;
    this.log = log;
    this.root = plan.checkpointRoot();
  }

  /** Where checkpoints are committed. */
  Path root() {
    return root;
  }

  /**
   * Called by every rank after the same step; returns whether it was committed, the same on all.
   *
   * @throws DivergedException on every rank when a weight is not finite: the checkpoints before
   *     this one stay the last good ones
   * @throws UncheckedIOException on rank 0 when a later attempt has begun
   */
  boolean commit(
      List<Learner> learners, long step, Map<String, Long> counters, Map<String, Double> scalars) {
    long began = System.nanoTime();
    boolean leader = context.world().index() == 0;
    double[] bad = new double[2]; // not finite, not written
    if (context.replicas().index() == 0) {
      List<TensorSlice> slices = Snapshot.slices(context, learners);
      if (!slices.stream().allMatch(TensorSlice::isFinite)) {
        bad[0] = 1;
      } else if (!written(step, slices)) {
        bad[1] = 1;
      }
    }
    Learner.sum(context.world(), bad);
    boolean whole = bad[0] == 0 && bad[1] == 0;
    double uncommitted = whole ? 0 : 1;
    if (leader) {
      if (!whole) {
        discard(step);
      } else if (!committed(step, counters, scalars, began)) {
        uncommitted = 1;
      }
    }
    if (bad[0] > 0) {
      throw new DivergedException(
          "weights are not finite after step "
              + step
              + ", no checkpoint was made of them; "
              + DivergedException.REMEDY);
    }
    return Learner.sum(context.world(), uncommitted) == 0;
  }

  private boolean written(long step, List<TensorSlice> slices) {
    try {
      Path temporary = Checkpoint.temporary(root, step, plan.roster().attempt());
      String name = ShardFile.name(context.shard(), context.shards().size());
      ShardFile.write(temporary.resolve(name), slices);
      return true;
    } catch (CheckpointException e) {
      complain("the checkpoint of step " + step + " was not written, training goes on", e);
      return false;
    }
  }

  private void discard(long step) {
    try {
      Checkpoint.discard(root, step, plan.roster().attempt());
    } catch (CheckpointException e) {
      log.warn("what was written of the checkpoint of step " + step + " was not removed", e);
    }
  }

  private boolean committed(
      long step, Map<String, Long> counters, Map<String, Double> scalars, long began) {
    int replicas = context.replicas().size();
    int shards = context.shards().size();
    String jobId = plan.roster().jobId();
    var facts =
        new Manifest.Facts(jobId, plan.job().name(), step, replicas, shards, counters, scalars);
    int attempt = plan.roster().attempt();
    CheckpointCommitted.Builder message =
        CheckpointCommitted.newBuilder()
            .setStep(step)
            .setTrainedSeconds(scalars.get(Commits.TRAINED));
    try {
      Checkpoint.Committed made = Checkpoint.commit(root, attempt, facts);
      message.setPath(made.directory().toString());
      message.setBytes(made.manifest().files().values().stream().mapToLong(f -> f.bytes()).sum());
    } catch (CheckpointException.Superseded e) {
      throw new UncheckedIOException(e); // which ends the attempt on every rank
    } catch (CheckpointException e) {
      complain("the checkpoint of step " + step + " was not written, training goes on", e);
      return false;
    }
    try {
      Checkpoints.prune(root, plan.job().checkpoint().keep(), attempt, step)
          .forEach(pruned -> message.addPruned(pruned.toString()));
    } catch (CheckpointException e) {
      complain("old checkpoints were not removed", e);
    }
    message.setSeconds((System.nanoTime() - began) / 1e9);
    log.info("checkpoint of step %d in %.3f s".formatted(step, message.getSeconds()));
    listener.checkpoint(message.build());
    return true;
  }

  /** Writes the averaged weights of a model out of the newest checkpoint; rank 0 alone. */
  Path export(long step, String model) throws CheckpointException {
    Path out = plan.directory().resolve("student.safetensors");
    try (CheckpointReader reader = CheckpointReader.open(Checkpoints.ofStep(root, step))) {
      SafetensorsExport.write(out, reader, model + ".average.");
    }
    return out;
  }

  private void complain(String what, CheckpointException e) {
    log.warn(what, e);
    notice("CHECKPOINT_FAILED", what + ": " + e.getMessage());
  }

  private void notice(String code, String text) {
    listener.notice(Notice.newBuilder().setLevel("warning").setCode(code).setText(text).build());
  }
}
