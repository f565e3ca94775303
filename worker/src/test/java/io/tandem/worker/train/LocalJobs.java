package io.tandem.worker.train;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Small jobs whose ranks all run in this process. */
final class LocalJobs {
  private LocalJobs() {}

  static JobSpec job(Path pictures, String method, int replicas, int shards, int steps) {
    return job(DataSpec.Format.CSV, pictures, method, replicas, shards, steps);
  }

  /** The same of pictures in another format. */
  static JobSpec job(
      DataSpec.Format format, Path pictures, String method, int replicas, int shards, int steps) {
    String yaml =
        """
        name: local
        seed: 3
        mesh: {replicas: %d, shards: %d}
        data:
          format: %s
          path: %s
          imageHeight: 32
          imageWidth: 32
          channels: 3
          classes: 4
          mean: [0.5, 0.5, 0.5]
          standardDeviation: [0.25, 0.25, 0.25]
        model: {family: wide-resnet, depth: 10, width: 1, stemChannels: 8, stemStride: 2, dropout: 0.1}
        algorithm:
          name: %s
          feedback: {estimator: per-example}
          fineTune: {steps: 2, learningRate: 0.01, batch: 8}
        training: {steps: %d, labeledBatch: 8, unlabeledBatch: 10}
        evaluation: {every: 0, batch: 16}
        checkpoint: {every: 3, keep: 9}
        """
            .formatted(
                replicas, shards, format.name().toLowerCase(Locale.ROOT), pictures, method, steps);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** Remembers the last of everything. */
  static class Memo implements AttemptListener {
    final CompletableFuture<AttemptEnded> ended = new CompletableFuture<>();
    volatile Progress progress = Progress.getDefaultInstance();
    volatile Evaluated evaluated = Evaluated.getDefaultInstance();
    final CompletableFuture<Void> committed = new CompletableFuture<>();
    final List<Notice> notices = new CopyOnWriteArrayList<>();
    volatile CheckpointCommitted checkpoint;
    volatile long startedAt;
    final List<String> lines = new CopyOnWriteArrayList<>();

    @Override
    public void started(AttemptStarted message) {
      startedAt = message.getStep();
    }

    @Override
    public void progress(Progress message) {
      progress = message;
    }

    @Override
    public void evaluated(Evaluated message) {
      evaluated = message;
    }

    @Override
    public void checkpoint(CheckpointCommitted message) {
      checkpoint = message;
      committed.complete(null);
    }

    @Override
    public void notice(Notice message) {
      notices.add(message);
    }

    @Override
    public void log(LogLines message) {
      lines.addAll(message.getLinesList());
    }

    @Override
    public void ended(AttemptEnded message) {
      ended.complete(message);
    }
  }

  /** Runs an attempt to its end. */
  static Memo run(Path work, JobSpec job, List<Path> checkpoints) throws Exception {
    Memo memo = new Memo();
    begin(work, job, checkpoints, memo);
    memo.ended.get(120, TimeUnit.SECONDS);
    return memo;
  }

  /** Runs a later attempt to its end. */
  static Memo run(Path work, int attempt, JobSpec job, List<Path> checkpoints) throws Exception {
    Memo memo = new Memo();
    begin(work, attempt, job, checkpoints, memo, LocalJobs::alone);
    memo.ended.get(120, TimeUnit.SECONDS);
    return memo;
  }

  private static Member alone(int rank) {
    return new Member(rank, "w", "127.0.0.1", 0, "d");
  }

  /** Starts an attempt on one worker. */
  static AttemptRun begin(Path work, JobSpec job, List<Path> checkpoints, Memo memo) {
    return begin(work, job, checkpoints, memo, LocalJobs::alone);
  }

  /** Starts worker {@code w}'s part of an attempt. */
  static AttemptRun begin(
      Path work, JobSpec job, List<Path> checkpoints, Memo memo, IntFunction<Member> member) {
    return begin(work, 1, job, checkpoints, memo, member);
  }

  private static AttemptRun begin(
      Path work,
      int attempt,
      JobSpec job,
      List<Path> checkpoints,
      Memo memo,
      IntFunction<Member> member) {
    Mesh mesh = new Mesh(job.mesh().replicas(), job.mesh().shards());
    List<Member> members = IntStream.range(0, mesh.size()).mapToObj(member).toList();
    return LocalRanks.start(
        new AttemptPlan(
            new Roster("job", attempt, mesh, members),
            "w",
            job,
            checkpoints,
            work,
            null,
            "127.0.0.1",
            0,
            1,
            null),
        memo);
  }
}
