package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A coordinator and workers as processes of their own, spoken to over REST. */
class ClusterIT {
  @TempDir static Path shared;
  @TempDir Path directory;
  private final List<TandemProcess> processes = new ArrayList<>();
  private TandemProcess coordinator;
  private int restPort;
  private int controlPort;
  private TandemClient client;

  @BeforeAll
  static void draw() {
    new PictureGenerator(7, 2, 8, 16, 4, 64)
        .write(shared.resolve("pictures"), DataSpec.Format.FOLDER, 2);
  }

  @BeforeEach
  void start() throws Exception {
    startCoordinator();
  }

  @AfterEach
  void stop() throws Exception {
    for (TandemProcess process : processes) {
      process.close();
    }
  }

  private TandemProcess tandem(String... arguments) throws Exception {
    TandemProcess process = TandemProcess.start(directory, arguments);
    processes.add(process);
    return process;
  }

  private void startCoordinator() throws Exception {
    coordinator =
        tandem(
            "coordinator",
            "--store",
            directory.resolve("store").toString(),
            "--rest-port",
            String.valueOf(restPort),
            "--control-port",
            String.valueOf(controlPort));
    Matcher ports =
        coordinator.await("coordinator at http://[^:]+:(\\d+), workers at [^:]+:(\\d+)");
    restPort = Integer.parseInt(ports.group(1));
    controlPort = Integer.parseInt(ports.group(2));
    client = new TandemClient(URI.create("http://127.0.0.1:" + restPort), "");
  }

  private record Worker(String id, TandemProcess process) {}

  private Worker worker(int slots) throws Exception {
    TandemProcess process =
        tandem(
            "worker",
            "--slots",
            String.valueOf(slots),
            "--coordinator",
            "127.0.0.1:" + controlPort,
            "--directory",
            directory.resolve("checkpoints").toString());
    process.await("registered at");
    return new Worker(process.await("worker (\\S+) with").group(1), process);
  }

  private byte[] job(int replicas, int shards, int steps) {
    return """
        {"name": "small", "mesh": {"replicas": %d, "shards": %d},
         "data": {"format": "folder", "path": "%s", "imageHeight": 64, "imageWidth": 64,
                  "channels": 3, "classes": 2},
         "model": {"family": "wide-resnet", "stemStride": 2},
         "algorithm": {"name": "meta-pseudo-labels"},
         "training": {"steps": %d, "labeledBatch": 4, "unlabeledBatch": 4},
         "checkpoint": {"every": 5}}
        """
        .formatted(replicas, shards, shared.resolve("pictures"), steps)
        .getBytes(StandardCharsets.UTF_8);
  }

  private String submit(byte[] job) {
    return client.submit(job, null).path("id").asText();
  }

  private JsonNode await(String id, String what, Predicate<JsonNode> wanted) {
    JsonNode[] last = new JsonNode[1];
    Awaitility.await()
        .alias(what)
        .atMost(Duration.ofSeconds(150))
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              last[0] = client.job(id);
              boolean failed = last[0].path("state").asText().equals("FAILED");
              if (failed && !wanted.test(last[0])) {
                throw new AssertionError("waited for " + what + ", but " + last[0]);
              }
              return wanted.test(last[0]);
            });
    return last[0];
  }

  private static boolean saved(JsonNode job) {
    return job.path("state").asText().equals("RUNNING") && job.path("checkpointStep").asInt() > 0;
  }

  private static boolean succeeded(JsonNode job) {
    return job.path("state").asText().equals("SUCCEEDED");
  }

  @Test
  void shouldTrainOnTwoWorkersAndExportTheStudent() throws Exception {
    worker(1);
    worker(1);
    Path file = Files.write(directory.resolve("job.json"), job(2, 1, 10));
    TandemProcess submit =
        tandem(
            "submit",
            file.toString(),
            "--wait",
            "--json",
            "--server",
            "http://127.0.0.1:" + restPort);
    assertThat(submit.exitCode()).as(submit.said()).isZero();
    JsonNode job = new ObjectMapper().readTree(submit.out());
    assertThat(job.path("state").asText()).isEqualTo("SUCCEEDED");
    assertThat(job.path("step").asInt()).isEqualTo(10);
    assertThat(job.path("workers")).hasSize(2);
    assertThat(job.path("values").path("accuracy.test").isNumber()).isTrue();
    Path model = directory.resolve("student.safetensors");
    client.model(job.path("id").asText(), model);
    assertThat(model).isNotEmptyFile();
  }

  @Test
  void shouldGoOnFromTheCheckpointWhenAWorkerIsKilled() throws Exception {
    List<Worker> workers = List.of(worker(2), worker(2));
    String id = submit(job(1, 2, 120));
    JsonNode running = await(id, "a checkpoint", ClusterIT::saved);
    String host = running.path("workers").path(0).path("id").asText();
    for (Worker worker : workers) {
      if (worker.id().equals(host)) {
        worker.process().kill();
      }
    }
    JsonNode ended = await(id, "the end", ClusterIT::succeeded);
    assertThat(ended.path("attempt").asInt()).isEqualTo(2);
    assertThat(ended.path("step").asInt()).isEqualTo(120);
  }

  @Test
  void shouldTrainOnWhileTheCoordinatorIsKilledAndRestarted() throws Exception {
    worker(2);
    String id = submit(job(1, 2, 120));
    await(id, "a checkpoint", ClusterIT::saved);
    List<Long> before = eventIds(id);
    coordinator.kill();
    startCoordinator();
    JsonNode ended = await(id, "the end", ClusterIT::succeeded);
    assertThat(ended.path("attempt").asInt()).isEqualTo(1);
    assertThat(eventIds(id)).containsAll(before).doesNotHaveDuplicates();
  }

  private List<Long> eventIds(String id) {
    List<Long> ids = new ArrayList<>();
    client.events(id).path("events").forEach(event -> ids.add(event.path("id").asLong()));
    return ids;
  }

  @Test
  void shouldMoveAJobWhenItsWorkerIsToldToLeave() throws Exception {
    List<Worker> workers = new ArrayList<>(List.of(worker(2), worker(2)));
    String id = submit(job(1, 2, 120));
    JsonNode running = await(id, "a checkpoint", ClusterIT::saved);
    String host = running.path("workers").path(0).path("id").asText();
    if (!workers.get(0).id().equals(host)) {
      Collections.swap(workers, 0, 1);
    }
    workers.get(0).process().terminate();
    workers.get(0).process().exitCode(); // it ends by itself within its drain time
    JsonNode ended = await(id, "the end", ClusterIT::succeeded);
    assertThat(ended.path("workers").path(0).path("id").asText()).isEqualTo(workers.get(1).id());
  }

  @Test
  void shouldCancelAJob() throws Exception {
    worker(2);
    String id = submit(job(1, 2, 100_000));
    await(id, "progress", job -> job.path("step").asInt() > 0);
    client.act(id, "cancel");
    await(id, "the end", job -> job.path("state").asText().equals("CANCELLED"));
    TandemProcess watch = tandem("watch", id, "--server", "http://127.0.0.1:" + restPort);
    assertThat(watch.exitCode()).isEqualTo(ExitCode.CANCELLED);
  }

  @Test
  void shouldRefuseABadJobWithAllItsMistakes() throws Exception {
    byte[] bad =
        new String(job(1, 2, -5), StandardCharsets.UTF_8)
            .replace("wide-resnet", "wide")
            .getBytes(StandardCharsets.UTF_8);
    assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> submit(bad)))
        .isInstanceOfSatisfying(
            ClientException.class,
            e -> {
              assertThat(e.status()).isEqualTo(400);
              assertThat(e.getMessage()).contains("training.steps").contains("model.family");
            });
    Path file = Files.write(directory.resolve("bad.json"), bad);
    TandemProcess submit =
        tandem("submit", file.toString(), "--server", "http://127.0.0.1:" + restPort);
    assertThat(submit.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(submit.said()).contains("training.steps").contains("model.family");
  }
}
