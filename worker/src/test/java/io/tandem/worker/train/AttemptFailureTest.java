package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobReason;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Member;
import io.tandem.worker.checkpoint.AttemptFence;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.checkpoint.ShardFile;
import io.tandem.worker.data.PictureGenerator;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept and what is told when an attempt cannot go on. */
class AttemptFailureTest {
  @TempDir static Path pictures;
  @TempDir Path work;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  private static JobSpec job(String method, int replicas, int shards, int steps) {
    return LocalJobs.job(pictures, method, replicas, shards, steps);
  }

  private LocalJobs.Memo run(JobSpec job) throws Exception {
    return LocalJobs.run(work, job, List.of());
  }

  private static JobSpec changed(JobSpec job, String from, String to) {
    String json = new String(JobFiles.toJson(job), StandardCharsets.UTF_8);
    assertThat(json).contains(from);
    return JobFiles.parse(json.replace(from, to).getBytes(StandardCharsets.UTF_8), Map.of());
  }

  @Test
  void shouldFailWithTheReasonWhereDataIsMissing() throws Exception {
    JobSpec good = job("supervised", 1, 1, 2);
    AttemptEnded ended = run(changed(good, pictures.toString(), pictures + "/absent")).ended.get();
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_FINAL);
    assertThat(ended.getReason()).isEqualTo(JobReason.DATA_ERROR.name());
    assertThat(ended.getText()).contains("absent");
  }

  @Test
  void shouldLogForTheJob() throws Exception {
    LocalJobs.Memo memo = run(job("supervised", 1, 2, 3));
    assertThat(memo.lines)
        .anyMatch(line -> line.contains("begins with ranks [0, 1] of the mesh 1 x 2"))
        .anyMatch(line -> line.startsWith("INFO checkpoint of step 3"))
        .anyMatch(line -> line.startsWith("INFO ended after step 3: COMPLETED"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void shouldEndSoonWhenAbandonedAtAnyMoment(int shards) throws Exception {
    JobSpec endless = job("supervised", 1, shards, 1_000_000);
    LocalJobs.Memo atOnce = new LocalJobs.Memo();
    LocalJobs.begin(work, endless, List.of(), atOnce).stop(StopMode.ABANDON);
    assertThat(atOnce.ended.get(20, TimeUnit.SECONDS).getOutcome()).isEqualTo(Outcome.STOPPED);
    LocalJobs.Memo later = new LocalJobs.Memo();
    AttemptRun run = LocalJobs.begin(work, endless, List.of(), later);
    later.committed.get(60, TimeUnit.SECONDS);
    run.stop(StopMode.ABANDON);
    assertThat(later.ended.get(20, TimeUnit.SECONDS).getOutcome()).isEqualTo(Outcome.STOPPED);
  }

  /** Its checkpoint message ends rank 0's thread by what no catch of the trainer expects. */
  @ParameterizedTest
  @EnumSource(
      value = StopMode.class,
      names = {"ABANDON", "CANCEL", "CHECKPOINT_AND_STOP"})
  void shouldNotWaitForPeersOnceItIsToldToEnd(StopMode mode) throws Exception {
    LocalJobs.Memo memo = new LocalJobs.Memo();
    AttemptRun run =
        LocalJobs.begin(
            work,
            job("supervised", 2, 1, 10),
            List.of(),
            memo,
            rank ->
                new Member(
                    rank, rank == 0 ? "w" : "nobody", "127.0.0.1", 20_000 + rank, "d" + rank));
    await().until(() -> fabricThreads() > 0);
    run.stop(mode);
    AttemptEnded ended = memo.ended.get(10, TimeUnit.SECONDS); // of the 30 s that peers have
    assertThat(ended.getOutcome()).isEqualTo(Outcome.STOPPED);
    assertThat(memo.checkpoint).isNull();
    assertThat(fabricThreads()).isZero();
  }

  /** By which the coordinator knows how long it took until the failure was seen. */
  @Test
  void shouldTellSinceWhenAPeerWasWaitedFor() throws Exception {
    LocalJobs.Memo memo = new LocalJobs.Memo();
    long begun = System.nanoTime();
    LocalJobs.begin(
        work,
        job("supervised", 2, 1, 10),
        List.of(),
        memo,
        rank -> new Member(rank, rank == 0 ? "w" : "nobody", "127.0.0.1", 20_100 + rank, "d"));
    await().until(() -> fabricThreads() > 0);
    long waiting = System.nanoTime();
    await().until(() -> System.nanoTime() - waiting > Duration.ofSeconds(2).toNanos());
    Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("tandem-job-1"))
        .forEach(Thread::interrupt);
    AttemptEnded ended = memo.ended.get(20, TimeUnit.SECONDS);
    assertThat(ended.getOutcome()).isEqualTo(Outcome.LOST_PEER);
    Matcher waited = Pattern.compile("waited ([0-9.]+) s").matcher(ended.getText());
    assertThat(waited.find()).as(ended.getText()).isTrue();
    long atLeast = (long) (1000 * Double.parseDouble(waited.group(1))) - 50; // it is rounded
    long atMost = Duration.ofNanos(System.nanoTime() - begun).toMillis();
    assertThat(ended.getSinceMillis()).isBetween(atLeast, atMost);
  }

  private static long fabricThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("fabric-w-"))
        .count();
  }

  @Test
  void shouldEndAtOnceWhenARanksThreadDies() throws Exception {
    LocalJobs.Memo memo =
        new LocalJobs.Memo() {
          @Override
          public void checkpoint(CheckpointCommitted message) {
            AttemptFailureTest.<RuntimeException>sneak(new Exception("gone"));
          }
        };
    LocalJobs.begin(work, job("supervised", 1, 3, 1_000_000), List.of(), memo);
    AttemptEnded ended = memo.ended.get(60, TimeUnit.SECONDS);
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
    assertThat(ended.getText()).isEqualTo("rank 0 is gone");
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable e) throws T {
    throw (T) e;
  }

  @ParameterizedTest
  @CsvSource({"supervised,1,1", "meta-pseudo-labels,1,2"})
  void shouldKeepOnlyGoodCheckpointsWhenItDiverges(String method, int replicas, int shards)
      throws Exception {
    JobSpec wild =
        changed(
            changed(job(method, replicas, shards, 200), "\"every\":3", "\"every\":1"),
            "\"learningRate\":0.05",
            "\"learningRate\":100");
    LocalJobs.Memo memo = run(wild);
    AttemptEnded ended = memo.ended.get();
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_FINAL);
    assertThat(ended.getReason()).isEqualTo(JobReason.DIVERGED.name());
    assertThat(ended.getText()).contains("lower the learning rates");
    List<Path> kept = Checkpoints.list(work.resolve("checkpoints"));
    assertThat(kept).isNotEmpty();
    for (Path directory : kept) {
      try (CheckpointReader reader = CheckpointReader.open(directory)) {
        for (var tensor : reader.manifest().tensors().entrySet()) {
          int count = (int) tensor.getValue().elements();
          FloatBuffer values = FloatBuffer.allocate(count);
          reader.readSlice(tensor.getKey(), 0, count, values);
          for (float value : values.array()) {
            assertThat(value).as("%s of %s", tensor.getKey(), directory).isFinite();
          }
        }
      }
    }
  }

  @Test
  void shouldGoOnWhenNoCheckpointCanBeWrittenAndTryTheLastOneAgain() throws Exception {
    Path blocked = Files.createFile(work.resolve("checkpoints"));
    LocalJobs.Memo memo = run(job("supervised", 1, 2, 7));
    // The attempt's mark, then steps 3, 6 and 7 from each of two shards.
    assertThat(memo.notices).hasSize(7);
    assertThat(memo.notices)
        .allSatisfy(
            notice -> {
              assertThat(notice.getCode()).isEqualTo("CHECKPOINT_FAILED");
              assertThat(notice.getText()).contains("training goes on").contains("checkpoints");
            });
    assertThat(memo.progress.getStep()).isEqualTo(7);
    AttemptEnded ended = memo.ended.get();
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
    assertThat(ended.getReason()).isEqualTo(JobReason.CHECKPOINT_ERROR.name());
    Files.delete(blocked);
    assertThat(run(job("supervised", 1, 2, 7)).ended.get().getOutcome())
        .isEqualTo(Outcome.COMPLETED);
  }

  /** Whoever it was that took it for lost, and whether it hears of it or not. */
  @Test
  void shouldEndWhenALaterAttemptHasBegun() throws Exception {
    Path root = work.resolve("checkpoints");
    LocalJobs.Memo memo =
        new LocalJobs.Memo() {
          @Override
          public void checkpoint(CheckpointCommitted message) {
            super.checkpoint(message);
            try {
              AttemptFence.begin(root, 2);
            } catch (CheckpointException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    LocalJobs.begin(work, job("supervised", 1, 2, 1_000_000), List.of(), memo);
    AttemptEnded ended = memo.ended.get(60, TimeUnit.SECONDS);
    assertThat(ended.getReason()).isEqualTo(JobReason.CHECKPOINT_ERROR.name());
    assertThat(ended.getText()).contains("attempt 1 is over", "attempt 2 has begun");
    assertThat(ended.getStep()).as("the next commit").isEqualTo(6);
    assertThat(Checkpoints.list(root)).containsExactly(root.resolve(Checkpoints.name(3, 1)));

    AttemptEnded again = run(job("supervised", 1, 2, 6)).ended.get();
    assertThat(again.getText()).contains("attempt 1 is over", "attempt 2 has begun");
    assertThat(again.getStep()).as("not even begun").isZero();
  }

  @Test
  void shouldNotStartOverWhenNoCheckpointCanBeRead() throws Exception {
    Path absent = work.resolve("elsewhere").resolve(Checkpoints.name(6, 1));
    Path empty = Files.createDirectories(work.resolve("elsewhere").resolve(Checkpoints.name(3, 1)));
    LocalJobs.Memo memo = LocalJobs.run(work, job("supervised", 1, 2, 9), List.of(absent, empty));
    AttemptEnded ended = memo.ended.get();
    assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
    assertThat(ended.getReason()).isEqualTo(JobReason.CHECKPOINT_ERROR.name());
    assertThat(ended.getText())
        .contains(absent.toString(), empty.toString(), "worker w", "submit a new job");
    assertThat(memo.progress.getStep()).isZero();
    assertThat(memo.notices).extracting("code").containsOnly("CHECKPOINT_REFUSED").hasSize(2);
    assertThat(Checkpoints.list(work.resolve("checkpoints"))).isEmpty();
  }

  /** Its writer died, or the coordinator was away: what it was told of has been pruned since. */
  @Test
  void shouldGoOnFromACheckpointThatTheCoordinatorHasNotHeardOf() throws Exception {
    run(job("supervised", 1, 2, 6));
    Path pruned = work.resolve("checkpoints").resolve(Checkpoints.name(1, 1));
    LocalJobs.Memo memo = LocalJobs.run(work, 2, job("supervised", 1, 2, 9), List.of(pruned));
    assertThat(memo.ended.get().getOutcome()).isEqualTo(Outcome.COMPLETED);
    assertThat(memo.startedAt).isEqualTo(6);
    assertThat(memo.notices).isEmpty();
  }

  @Test
  void shouldUseTheCheckpointBeforeARefusedOneAndSaySo() throws Exception {
    run(job("supervised", 1, 2, 6));
    Path newest = work.resolve("checkpoints").resolve(Checkpoints.name(6, 1));
    Path shard = newest.resolve(ShardFile.name(1, 2));
    Files.write(shard, new byte[5]);
    Path before = newest.resolveSibling(Checkpoints.name(3, 1));
    LocalJobs.Memo memo = LocalJobs.run(work, job("supervised", 1, 2, 9), List.of(newest, before));
    assertThat(memo.ended.get().getOutcome()).isEqualTo(Outcome.COMPLETED);
    assertThat(memo.startedAt).isEqualTo(3);
    assertThat(memo.notices)
        .singleElement()
        .satisfies(
            notice -> {
              assertThat(notice.getCode()).isEqualTo("CHECKPOINT_REFUSED");
              assertThat(notice.getText()).contains(shard.toString()).contains(before + " is used");
            });
  }
}
