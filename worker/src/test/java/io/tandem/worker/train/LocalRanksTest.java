package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.data.PictureGenerator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole jobs on generated pictures, all ranks in this process. */
class LocalRanksTest {
  @TempDir static Path pictures;
  @TempDir Path work;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  private static JobSpec job(String method, int replicas, int shards, int steps) {
    String yaml =
        """
        name: local
        seed: 3
        mesh: {replicas: %d, shards: %d}
        data:
          format: csv
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
            .formatted(replicas, shards, pictures, method, steps);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** Remembers the last of everything. */
  static final class Memo implements AttemptListener {
    final CompletableFuture<AttemptEnded> ended = new CompletableFuture<>();
    volatile Progress progress = Progress.getDefaultInstance();
    volatile Evaluated evaluated = Evaluated.getDefaultInstance();
    volatile CheckpointCommitted checkpoint;
    volatile Notice notice;

    @Override
    public void started(AttemptStarted message) {}

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
    }

    @Override
    public void notice(Notice message) {
      notice = message;
    }

    @Override
    public void ended(AttemptEnded message) {
      ended.complete(message);
    }
  }

  private Memo run(JobSpec job) throws Exception {
    return run(job, List.of());
  }

  private Memo run(JobSpec job, List<Path> checkpoints) throws Exception {
    Mesh mesh = new Mesh(job.mesh().replicas(), job.mesh().shards());
    List<Member> members =
        IntStream.range(0, mesh.size())
            .mapToObj(rank -> new Member(rank, "w", "127.0.0.1", 0, "d"))
            .toList();
    Memo memo = new Memo();
    LocalRanks.start(
        new AttemptPlan(
            new Roster("job", 1, mesh, members),
            "w",
            job,
            checkpoints,
            work,
            null,
            "127.0.0.1",
            0,
            1),
        memo);
    memo.ended.get(120, TimeUnit.SECONDS);
    return memo;
  }

  @ParameterizedTest
  @CsvSource({
    "supervised,1,2",
    "pseudo-labels,2,1",
    "uda,1,4",
    "meta-pseudo-labels,2,2",
    "meta-pseudo-labels,1,3"
  })
  void shouldTrainAlikeOnEveryMesh(String method, int replicas, int shards) throws Exception {
    Memo one = run(job(method, 1, 1, 4));
    Memo many = run(job(method, replicas, shards, 4));
    assertThat(one.ended.get().getOutcome()).as("%s", one.ended.get()).isEqualTo(Outcome.COMPLETED);
    assertThat(many.ended.get().getOutcome())
        .as("%s", many.ended.get())
        .isEqualTo(Outcome.COMPLETED);
    assertThat(one.progress.getValuesMap()).isNotEmpty();
    one.progress
        .getValuesMap()
        .forEach(
            (name, value) ->
                assertThat(many.progress.getValuesOrThrow(name))
                    .as(name)
                    .isCloseTo(value, within(1e-3 + 1e-3 * Math.abs(value))));
    assertThat(many.evaluated.getValuesOrThrow("accuracy.test")).isBetween(0.0, 1.0);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,2", "1,3"})
  void shouldResumeOnAnyMesh(int replicas, int shards) throws Exception {
    Memo whole = run(job("meta-pseudo-labels", 1, 1, 6));
    Memo half = run(job("meta-pseudo-labels", 1, 1, 6), List.of());
    List<Path> checkpoints = Checkpoints.list(work.resolve("checkpoints"));
    Path third =
        checkpoints.stream().filter(p -> p.endsWith(Checkpoints.name(3))).findFirst().orElseThrow();
    Memo resumed = run(job("meta-pseudo-labels", replicas, shards, 6), List.of(third));
    assertThat(half.checkpoint.getStep()).isEqualTo(8);
    boolean same = replicas * shards == 1;
    whole
        .progress
        .getValuesMap()
        .forEach(
            (name, value) ->
                assertThat(resumed.progress.getValuesOrThrow(name))
                    .as(name)
                    .isCloseTo(value, within(same ? 0 : 1e-3 + 1e-3 * Math.abs(value))));
    assertThat(resumed.evaluated).isEqualTo(same ? whole.evaluated : resumed.evaluated);
    assertThat(Path.of(resumed.ended.get().getModelPath())).isRegularFile();
  }

  @Test
  void shouldFailWithTheReasonWhereDataIsMissing() throws Exception {
    JobSpec good = job("supervised", 1, 1, 2);
    String json = new String(JobFiles.toJson(good), StandardCharsets.UTF_8);
    JobSpec bad =
        JobFiles.parse(
            json.replace(pictures.toString(), pictures + "/absent")
                .getBytes(StandardCharsets.UTF_8),
            Map.of());
    AttemptEnded ended = run(bad).ended.get();
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_FINAL);
    assertThat(ended.getReason()).isEqualTo("DATA_ERROR");
    assertThat(ended.getText()).contains("absent");
  }
}
