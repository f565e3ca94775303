package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.client.ClientException;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.Assumptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many jobs on one cluster: a coordinator and two workers of two slots each. */
class JobsIT {
  private static final Path FULL = Path.of("/dev/full");
  @TempDir static Path directory;
  private static Path pictures;
  private static TestCluster cluster;
  private static String jobOnFullDisk;

  @BeforeAll
  static void start() throws Exception {
    pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    cluster = new TestCluster(directory);
    cluster.startCoordinator();
    jobOnFullDisk = submitOntoAFullDisk();
    List<TandemProcess> workers = List.of(cluster.worker(2), cluster.worker(2));
    workers.forEach(TestCluster::registered);
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  private static String job(int replicas, int shards, int steps) {
    return TestCluster.job(pictures, replicas, shards, steps);
  }

  /** The checkpoint of step 5 will be written to a device that is full. No worker is there yet. */
  private static String submitOntoAFullDisk() throws Exception {
    String id = cluster.submit(job(1, 2, 12));
    Path temporary =
        directory.resolve(Path.of("checkpoints", id, "checkpoints", "step-00000005.tmp-attempt1"));
    Files.createDirectories(temporary);
    if (Files.exists(FULL)) {
      Files.createSymbolicLink(temporary.resolve("shard-00001-of-00002.safetensors"), FULL);
    }
    return id;
  }

  @Test
  void shouldGoOnWhenTheDiskIsFullAndSaySo() {
    Assumptions.assumeThat(FULL).exists();
    cluster.awaitState(jobOnFullDisk, "SUCCEEDED");
    assertThat(cluster.notices(jobOnFullDisk, "CHECKPOINT_FAILED"))
        .singleElement()
        .asString()
        .contains("the checkpoint of step 5 was not written, training goes on")
        .contains("shard-00001-of-00002.safetensors")
        .contains("No space left");
    assertThat(cluster.events(jobOnFullDisk, "checkpoint"))
        .extracting(event -> event.path("data").path("step").asInt())
        .containsExactly(10, 12);
  }

  @Test
  void shouldTrainOverTwoWorkersAndExportTheStudent() throws Exception {
    Path file = Files.writeString(directory.resolve("job.yaml"), job(2, 2, 10));
    TandemProcess submit =
        cluster.tandem("submit", file.toString(), "--wait", "--json", "--server", cluster.server());
    assertThat(submit.exitCode()).as(submit.said()).isZero();
    JsonNode job = new ObjectMapper().readTree(submit.out());
    assertThat(TestCluster.state(job)).isEqualTo("SUCCEEDED");
    assertThat(job.path("step").asInt()).isEqualTo(10);
    assertThat(job.path("workers")).hasSize(2);
    assertThat(job.path("values").path("accuracy.test").isNumber()).isTrue();
    String id = job.path("id").asText();
    List<String> lines = new ArrayList<>();
    cluster.client().logs(id).path("logs").forEach(line -> lines.add(line.path("line").asText()));
    for (JsonNode worker : job.path("workers")) {
      assertThat(lines)
          .anyMatch(line -> line.startsWith("INFO worker " + worker.path("id").asText()));
    }
    assertThat(lines).anyMatch(line -> line.startsWith("INFO checkpoint of step 10"));
    cluster.client().delete(id);
    assertThatThrownBy(() -> cluster.client().job(id)).hasMessageContaining("there is no job");
  }

  @Test
  void shouldGoOnAfterAPauseAsIfItHadNeverStopped() throws Exception {
    // Small rates, so that what another order of summation changes is not multiplied.
    String slow = "teacher: {learningRate: 0.005}, student: {learningRate: 0.005}, steps:";
    String job = job(2, 2, 40).replace("steps:", slow);
    String never = cluster.submit(job);
    cluster.awaitState(never, "SUCCEEDED");
    String paused = cluster.submit(job);
    int step = pause(paused);
    // It may be placed before the answer is written.
    assertThat(TestCluster.state(cluster.client().act(paused, "resume"))).isIn("QUEUED", "PLACING");
    cluster.awaitState(paused, "SUCCEEDED");
    assertThat(cluster.startedAt(paused)).containsExactly(0, 0, step, step); // on two workers
    assertThat(student(paused)).isEqualTo(student(never));

    String moved = cluster.submit(job);
    step = pause(moved);
    cluster.client().resume(moved, 1, 3);
    JsonNode ended = cluster.awaitState(moved, "SUCCEEDED");
    assertThat(ended.path("mesh").toString()).isEqualTo("{\"replicas\":1,\"shards\":3}");
    assertThat(cluster.startedAt(moved)).startsWith(0, 0, step).endsWith(step);
    assertThat(largestDifference(student(moved), student(never))).isLessThan(1e-4);
  }

  /** Pauses a job soon after its start; returns the step after which it stopped. */
  private static int pause(String id) {
    cluster.awaitState(id, "RUNNING");
    cluster.client().act(id, "pause");
    JsonNode paused = cluster.awaitState(id, "PAUSED");
    int step = paused.path("checkpointStep").asInt();
    assertThat(step).isBetween(1, 39);
    assertThat(paused.path("reason").asText()).isEqualTo("PAUSED_BY_USER");
    for (JsonNode worker : cluster.client().workers().path("workers")) {
      assertThat(worker.path("jobs").toString()).doesNotContain(id);
    }
    return step;
  }

  private static byte[] student(String id) throws Exception {
    Path file = directory.resolve(id + ".safetensors");
    cluster.client().model(id, file);
    return Files.readAllBytes(file);
  }

  private static double largestDifference(byte[] a, byte[] b) {
    FloatBuffer x = weights(a);
    FloatBuffer y = weights(b);
    assertThat(x.remaining()).isEqualTo(y.remaining()).isPositive();
    double largest = 0;
    while (x.hasRemaining()) {
      largest = Math.max(largest, Math.abs((double) x.get() - y.get()));
    }
    return largest;
  }

  /** All values of a safetensors file, which begins with its header's length. */
  private static FloatBuffer weights(byte[] safetensors) {
    ByteBuffer file = ByteBuffer.wrap(safetensors).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer data = file.position(8 + (int) file.getLong(0)).slice();
    return data.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  @Test
  void shouldUseTheCheckpointBeforeATruncatedOneAndSaySo() throws Exception {
    String id = cluster.submit(job(1, 2, 60));
    cluster.awaitCheckpoint(id, 5);
    cluster.client().act(id, "pause");
    cluster.awaitState(id, "PAUSED");
    JsonNode checkpoints = cluster.client().checkpoints(id).path("checkpoints");
    Path newest = Path.of(checkpoints.get(0).path("path").asText());
    int before = checkpoints.get(1).path("step").asInt();
    Path shard = newest.resolve("shard-00000-of-00002.safetensors");
    byte[] whole = Files.readAllBytes(shard);
    Files.write(shard, Arrays.copyOf(whole, whole.length / 2));
    cluster.client().act(id, "resume");
    cluster.awaitState(id, "SUCCEEDED");
    assertThat(cluster.startedAt(id)).containsExactly(0, before);
    assertThat(cluster.notices(id, "CHECKPOINT_REFUSED"))
        .singleElement()
        .asString()
        .contains(shard.toString())
        .contains("bytes instead of " + whole.length)
        .contains(checkpoints.get(1).path("path").asText() + " is used");
  }

  @Test
  void shouldFailWithTheReasonWhereTheDataIsNotAsAsked() throws Exception {
    Path garbage = Files.createDirectories(directory.resolve("garbage"));
    for (String name :
        List.of(
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte")) {
      Files.writeString(garbage.resolve(name), "this is no IDX file");
    }
    String absent = cluster.submit(job(1, 1, 5).replace(pictures.toString(), "/nowhere/at/all"));
    String unreadable =
        cluster.submit(
            job(1, 1, 5).replace(pictures.toString(), garbage.toString()).replace("folder", "idx"));
    String few =
        cluster.submit(job(2, 2, 5).replace("classes: 2", "classes: 2\n  labeledPerClass: 9"));
    assertDataError(absent, "/nowhere/at/all", "does not exist");
    assertDataError(unreadable, "idx");
    assertDataError(few, "data.labeledPerClass is 9", "has only 8");
  }

  private static void assertDataError(String id, String... words) {
    JsonNode job = cluster.awaitState(id, "FAILED");
    assertThat(job.path("reason").asText()).as(job.toString()).isEqualTo("DATA_ERROR");
    assertThat(job.path("reasonText").asText()).contains(words);
    assertThat(job.path("attempt").asInt()).isEqualTo(1);
  }

  @Test
  void shouldSkipCountAndNameBrokenImagesUpToTheShareThatIsAllowed() throws Exception {
    Path some = directory.resolve("some-broken");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(some, DataSpec.Format.FOLDER, 2);
    Path broken;
    try (Stream<Path> files = Files.walk(some.resolve("train"))) {
      broken = files.filter(Files::isRegularFile).sorted().findFirst().orElseThrow();
    }
    Files.writeString(broken, "no picture");
    String job = job(1, 1, 12).replace(pictures.toString(), some.toString());
    String skips = cluster.submit(job.replace("classes: 2", "classes: 2\n  maximumBroken: 0.5"));
    String fails = cluster.submit(job.replace("classes: 2", "classes: 2\n  maximumBroken: 0"));
    cluster.awaitState(skips, "SUCCEEDED");
    assertThat(cluster.notices(skips, "BROKEN_IMAGE"))
        .singleElement()
        .asString()
        .contains(broken.getFileName().toString())
        .contains("broken images met by this worker: 1");
    assertDataError(fails, broken.getFileName().toString(), "data.maximumBroken allows");
  }

  @Test
  void shouldFailAsDivergedAndKeepTheLastGoodCheckpoint() {
    String wild =
        job(2, 2, 400)
            .replace("every: 5", "every: 1")
            .replace(
                "steps:", "teacher: {learningRate: 100}, student: {learningRate: 100}, steps:");
    String id = cluster.submit(wild);
    JsonNode job = cluster.awaitState(id, "FAILED");
    assertThat(job.path("reason").asText()).as(job.toString()).isEqualTo("DIVERGED");
    assertThat(job.path("reasonText").asText()).contains("lower the learning rates");
    assertThat(job.path("checkpointStep").asInt()).isPositive();
    assertThat(cluster.events(id, "ended"))
        .extracting(event -> event.path("data").path("reason").asText())
        .contains("DIVERGED")
        .isSubsetOf("DIVERGED", "LOST_PEER");
    JsonNode kept = cluster.client().checkpoints(id).path("checkpoints");
    assertThat(kept).hasSizeBetween(1, 3);
    kept.forEach(
        checkpoint ->
            assertThat(Path.of(checkpoint.path("path").asText(), "manifest.json"))
                .isNotEmptyFile());
  }

  @Test
  void shouldQueueAMeshLargerThanTheClusterWithoutHoldingBackOthers() {
    String large = cluster.submit(job(2, 4, 10));
    assertThat(cluster.client().job(large).path("missing").asText())
        .isEqualTo("replicas 2 x shards 4 = 8 ranks, but 4 slots are registered");
    String small = cluster.submit(job(1, 1, 5));
    cluster.awaitState(small, "SUCCEEDED");
    assertThat(TestCluster.state(cluster.client().job(large))).isEqualTo("QUEUED");
    assertThat(TestCluster.state(cluster.client().act(large, "cancel"))).isEqualTo("CANCELLED");
  }

  @Test
  void shouldPlaceAJobInOnePoolAndInTheOneThatItNames() throws Exception {
    String named = cluster.submit(job(1, 2, 5) + "pool: other\n");
    assertThat(cluster.client().job(named).path("missing").asText())
        .contains("no worker is registered in pool other; workers are in: default");
    TestCluster.Worker other =
        TestCluster.registered(cluster.worker(2, Map.of("TANDEM_POOL", "other")));
    String wide = cluster.submit(job(1, 5, 5));
    assertThat(cluster.client().job(wide).path("missing").asText())
        .isEqualTo(
            "replicas 1 x shards 5 = 5 ranks,"
                + " but at most 4 slots are registered in one pool (default)");
    JsonNode job = cluster.awaitState(named, "SUCCEEDED");
    assertThat(job.path("workers"))
        .extracting(worker -> worker.path("id").asText())
        .containsExactly(other.id());
    cluster.client().act(wide, "cancel");
    other.process().terminate();
    assertThat(other.process().exitCode()).isZero();
  }

  @Test
  void shouldRunJobsSideBySideAndOneAfterAnotherOnTheSameWorkers() {
    List<JsonNode> jobs =
        Stream.of(job(2, 1, 60), job(1, 2, 60), job(2, 2, 5)).map(cluster::submit).toList().stream()
            .map(id -> cluster.awaitState(id, "SUCCEEDED"))
            .toList();
    Instant bothStarted = later(time(jobs.get(0), "startedAt"), time(jobs.get(1), "startedAt"));
    assertThat(bothStarted)
        .isBefore(time(jobs.get(0), "endedAt"))
        .isBefore(time(jobs.get(1), "endedAt"));
    Instant bothEnded = later(time(jobs.get(0), "endedAt"), time(jobs.get(1), "endedAt"));
    assertThat(time(jobs.get(2), "startedAt")).isAfterOrEqualTo(bothEnded);
    assertThat(jobs.get(2).path("workers")).hasSize(2);
  }

  private static Instant time(JsonNode job, String name) {
    return Instant.parse(job.path(name).asText());
  }

  private static Instant later(Instant a, Instant b) {
    return a.isAfter(b) ? a : b;
  }

  @Test
  void shouldCancelAJob() throws Exception {
    String id = cluster.submit(job(1, 2, 1_000_000));
    cluster.awaitCheckpoint(id, 5);
    cluster.client().act(id, "cancel");
    cluster.awaitState(id, "CANCELLED");
    TandemProcess watch = cluster.tandem("watch", id, "--server", cluster.server());
    assertThat(watch.exitCode()).isEqualTo(ExitCode.CANCELLED);
  }

  @Test
  void shouldRefuseABadJobWithAllItsMistakes() throws Exception {
    String bad = job(1, 40, -5).replace("wide-resnet", "wide");
    assertThatThrownBy(() -> cluster.submit(bad))
        .isInstanceOfSatisfying(
            ClientException.class,
            e -> {
              assertThat(e.status()).isEqualTo(400);
              assertThat(e.getMessage())
                  .contains("training.steps")
                  .contains("model.family")
                  .contains("32 columns for 40 shards");
            });
    Path file = Files.writeString(directory.resolve("bad.yaml"), bad);
    TandemProcess submit = cluster.tandem("submit", file.toString(), "--server", cluster.server());
    assertThat(submit.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(submit.said()).contains("training.steps").contains("model.family");
  }
}
