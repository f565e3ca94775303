package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobReason;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.checkpoint.ShardFile;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.storage.TestStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs whose checkpoints and models are objects. */
class S3JobTest {
  @TempDir static Path pictures;
  @TempDir Path objects;
  @TempDir Path work;
  private TestStore store;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  @BeforeEach
  void start() throws Exception {
    store = TestStore.start(objects);
  }

  @AfterEach
  void stop() throws Exception {
    store.close();
  }

  private static JobSpec job(int replicas, int shards, int steps, int keep) {
    JobSpec job = LocalJobs.job(pictures, "supervised", replicas, shards, steps);
    String json = new String(JobFiles.toJson(job), StandardCharsets.UTF_8);
    return JobFiles.parse(
        json.replace("\"keep\":9", "\"keep\":" + keep).getBytes(StandardCharsets.UTF_8), Map.of());
  }

  private static AttemptEnded completed(LocalJobs.Memo memo) throws Exception {
    AttemptEnded ended = memo.ended.get();
    assertThat(ended.getOutcome()).as("%s", ended).isEqualTo(Outcome.COMPLETED);
    return ended;
  }

  @Test
  void shouldSavePruneResumeOnAnotherMeshAndExport() throws Exception {
    Path home = store.path("jobs/one");
    LocalJobs.Memo first = LocalJobs.run(home, job(1, 2, 6, 2), List.of());
    assertThat(completed(first).getModelPath())
        .isEqualTo("s3://tandem-test/jobs/one/student.safetensors");
    List<Path> kept = Checkpoints.list(home.resolve("checkpoints"));
    assertThat(kept)
        .extracting(Path::toString)
        .containsExactly(
            "s3://tandem-test/jobs/one/checkpoints/step-00000006.attempt1",
            "s3://tandem-test/jobs/one/checkpoints/step-00000003.attempt1");
    assertThat(first.checkpoint.getPath()).isEqualTo(kept.get(0).toString());
    assertThat(first.checkpoint.getBytes()).isPositive();

    Path other = store.path("jobs/other");
    LocalJobs.Memo second = LocalJobs.run(other, job(2, 1, 9, 1), List.of(kept.get(1)));
    completed(second);
    assertThat(second.startedAt).isEqualTo(3);
    assertThat(second.checkpoint.getPrunedList())
        .containsExactly(other.resolve("checkpoints/step-00000006.attempt1").toString());
    assertThat(store.objects())
        .filteredOn(name -> name.startsWith("jobs/other") && !name.contains("step-00000009"))
        .containsExactly("jobs/other/checkpoints/begun.attempt1", "jobs/other/student.safetensors");

    // The same as on a file system, to the last bit.
    completed(LocalJobs.run(work, job(1, 2, 6, 9), List.of()));
    Path local = work.resolve("checkpoints").resolve(Checkpoints.name(3, 1));
    Path elsewhere = store.path("jobs/two");
    completed(LocalJobs.run(elsewhere, job(1, 2, 6, 9), List.of(local)));
    for (String name : List.of(ShardFile.name(0, 2), ShardFile.name(1, 2))) {
      assertThat(
              Files.readAllBytes(
                  elsewhere.resolve("checkpoints/step-00000006.attempt1").resolve(name)))
          .isEqualTo(
              Files.readAllBytes(work.resolve("checkpoints/step-00000006.attempt1").resolve(name)));
    }
  }

  @Test
  void shouldTrainOnWhileTheStoreIsAwayAndSaveAgainWhenItIsBack() throws Exception {
    Path home = store.hastyPath("jobs/cut");
    LocalJobs.Memo memo =
        new LocalJobs.Memo() {
          @Override
          public void checkpoint(CheckpointCommitted message) {
            super.checkpoint(message);
            if (message.getStep() == 3) {
              store.relay().fallSilent();
            }
          }

          @Override
          public void notice(Notice message) {
            super.notice(message);
            store.relay().heal();
          }
        };
    LocalJobs.begin(home, job(1, 2, 9, 9), List.of(), memo);
    memo.ended.get(120, TimeUnit.SECONDS);
    completed(memo);
    assertThat(memo.notices).isNotEmpty();
    assertThat(memo.notices)
        .allSatisfy(
            notice -> {
              assertThat(notice.getCode()).isEqualTo("CHECKPOINT_FAILED");
              assertThat(notice.getText())
                  .contains("step 6", "training goes on", "s3://tandem-test/jobs/cut");
            });
    assertThat(memo.checkpoint.getStep()).isEqualTo(9);
    List<Path> whole = Checkpoints.list(home.resolve("checkpoints"));
    assertThat(whole).hasSize(2);
    for (Path directory : whole) {
      CheckpointReader.open(directory).close();
    }
  }

  @Test
  void shouldTryAnAttemptAgainWhoseCheckpointsCannotBeRead() throws Exception {
    Path home = store.hastyPath("jobs/three");
    completed(LocalJobs.run(store.path("jobs/three"), job(1, 1, 3, 9), List.of()));
    store.relay().fallSilent();
    Path newest = home.resolve("checkpoints/step-00000003.attempt1");
    LocalJobs.Memo memo = LocalJobs.run(home, job(1, 1, 6, 9), List.of(newest));
    assertThat(memo.ended.get().getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
    assertThat(memo.ended.get().getReason()).isEqualTo(JobReason.CHECKPOINT_ERROR.name());
    assertThat(memo.ended.get().getText()).contains(newest.toString(), "no answer in time");
  }

  /**
   * The store that the environment tells of is the process's: nobody else in these tests has one.
   */
  @Test
  void shouldTryAnAttemptAgainWhoseDataCannotBeReached() throws Exception {
    Map<String, String> nobody =
        Map.of(
            "aws.endpointUrlS3", "http://127.0.0.1:1",
            "aws.accessKeyId", TestStore.KEY,
            "aws.secretAccessKey", TestStore.SECRET);
    nobody.forEach(System::setProperty);
    try {
      JobSpec job = LocalJobs.job(Path.of("DATA"), "supervised", 1, 1, 3);
      String json = new String(JobFiles.toJson(job), StandardCharsets.UTF_8);
      JobSpec away =
          JobFiles.parse(
              json.replace("DATA", "s3://tandem-test/data").getBytes(StandardCharsets.UTF_8),
              Map.of());
      AttemptEnded ended = LocalJobs.run(work, away, List.of()).ended.get();
      assertThat(ended.getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
      assertThat(ended.getReason()).isEqualTo(JobReason.DATA_ERROR.name());
      assertThat(ended.getText())
          .contains("s3://tandem-test/data", "the store cannot be asked", "AWS_ENDPOINT_URL_S3");
    } finally {
      nobody.keySet().forEach(System::clearProperty);
    }
  }
}
