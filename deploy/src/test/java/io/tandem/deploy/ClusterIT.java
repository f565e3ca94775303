package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.TestCluster.Worker;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are stopped, killed, told to leave and started again while a job runs. */
class ClusterIT {
  private static final int ENDLESS = 10_000_000;
  @TempDir static Path shared;
  @TempDir Path directory;
  private TestCluster cluster;

  @BeforeAll
  static void draw() {
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(shared, DataSpec.Format.FOLDER, 2);
  }

  @BeforeEach
  void start() throws Exception {
    cluster = new TestCluster(directory);
    cluster.startCoordinator();
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  private static String job(int replicas, int shards, int steps) {
    return TestCluster.job(shared, replicas, shards, steps);
  }

  private List<Worker> workers(int... slots) throws Exception {
    List<TandemProcess> started = new ArrayList<>();
    for (int count : slots) {
      started.add(cluster.worker(count));
    }
    return started.stream().map(TestCluster::registered).toList();
  }

  /** The workers that host the job come first. */
  private static List<Worker> hostsFirst(List<Worker> workers, JsonNode job) {
    String hosts = job.path("workers").toString();
    List<Worker> sorted = new ArrayList<>(workers);
    sorted.sort((a, b) -> Boolean.compare(hosts.contains(b.id()), hosts.contains(a.id())));
    return sorted;
  }

  @Test
  void shouldBearAPauseOfThreeSecondsAndRecoverFromAKill() throws Exception {
    List<Worker> workers = workers(1, 1, 1);
    String id = cluster.submit(job(2, 1, ENDLESS));
    JsonNode running = cluster.awaitCheckpoint(id, 5);
    List<Worker> hosts = hostsFirst(workers, running);

    hosts.get(1).process().pause(Duration.ofSeconds(3));
    int paused = cluster.client().job(id).path("checkpointStep").asInt();
    running = cluster.awaitCheckpoint(id, paused + 20);
    assertThat(running.path("attempt").asInt()).isEqualTo(1);
    assertThat(states(id)).containsExactly("QUEUED", "PLACING", "RUNNING");
    assertThat(cluster.client().workers().path("workers")).hasSize(3);

    Instant killed = Instant.now();
    hosts.get(0).process().kill();
    cluster.await(id, "attempt 2", job -> job.path("attempt").asInt() == 2);
    JsonNode noticed = stateEvent(id, "RECOVERING");
    Duration took = Duration.between(killed, Instant.parse(noticed.path("time").asText()));
    System.out.printf(
        "kill -9 of a worker was noticed after %.1f s: %s%n",
        took.toMillis() / 1000.0, noticed.path("data").path("text").asText());
    assertThat(took).isLessThan(Duration.ofSeconds(10));
    int from = cluster.startedAt(id).get(0);
    JsonNode again = cluster.awaitState(id, "RUNNING");
    assertThat(again.path("workers").toString())
        .contains(hosts.get(1).id())
        .contains(hosts.get(2).id());
    int resumed = cluster.startedAt(id).get(2);
    assertThat(from).isZero();
    assertThat(resumed).isGreaterThanOrEqualTo(paused).isEqualTo(lastCheckpointBefore(id, 2));
    cluster.awaitCheckpoint(id, resumed + 5);
    assertThat(cluster.client().metrics()).contains("tandem_recoveries_total 1.0");
  }

  private List<String> states(String id) {
    return cluster.events(id, "state").stream()
        .map(event -> event.path("data").path("to").asText())
        .toList();
  }

  private JsonNode stateEvent(String id, String state) {
    return cluster.events(id, "state").stream()
        .filter(event -> event.path("data").path("to").asText().equals(state))
        .findFirst()
        .orElseThrow();
  }

  private int lastCheckpointBefore(String id, int attempt) {
    return cluster.events(id, "checkpoint").stream()
        .filter(event -> event.path("attempt").asInt() < attempt)
        .mapToInt(event -> event.path("data").path("step").asInt())
        .max()
        .orElseThrow();
  }

  @Test
  void shouldTrainOnWhileTheCoordinatorIsKilledAndRestarted() throws Exception {
    workers(1, 1);
    String id = cluster.submit(job(2, 1, ENDLESS));
    String waiting = cluster.submit(job(4, 4, 5).replace("labeledBatch: 4", "labeledBatch: 8"));
    cluster.awaitCheckpoint(id, 5);
    List<JsonNode> before = all(id);
    cluster.coordinator().kill();
    Instant killed = Instant.now();
    cluster.startCoordinator();
    Instant restarted = Instant.now();
    int known = before.size();
    cluster.await(id, "news", job -> all(id).size() > known + 5);
    assertThat(cluster.client().job(id).path("attempt").asInt()).isEqualTo(1);
    assertThat(states(id)).containsExactly("QUEUED", "PLACING", "RUNNING");
    assertThat(all(id)).startsWith(before.toArray(JsonNode[]::new));
    List<JsonNode> checkpoints = cluster.events(id, "checkpoint");
    assertThat(checkpoints)
        .extracting(event -> event.path("data").path("step").asInt())
        .isEqualTo(IntStream.rangeClosed(1, checkpoints.size()).mapToObj(i -> 5 * i).toList());
    assertThat(checkpoints)
        .as("checkpoints were made while nobody listened")
        .anyMatch(
            event -> {
              Instant time = Instant.parse(event.path("time").asText());
              return time.isAfter(killed) && time.isBefore(restarted);
            });
    assertThat(TestCluster.state(cluster.client().job(waiting))).isEqualTo("QUEUED");
    cluster.client().act(id, "cancel");
    cluster.awaitState(id, "CANCELLED");
  }

  private List<JsonNode> all(String id) {
    List<JsonNode> events = new ArrayList<>();
    cluster.client().events(id).path("events").forEach(events::add);
    return events;
  }

  @Test
  void shouldMoveAJobWhenItsWorkerIsToldToLeave() throws Exception {
    List<Worker> workers = workers(2, 2);
    String id = cluster.submit(job(1, 2, ENDLESS));
    List<Worker> hosts = hostsFirst(workers, cluster.awaitCheckpoint(id, 5));
    hosts.get(0).process().terminate();
    assertThat(hosts.get(0).process().exitCode()).isZero(); // within its drain time
    JsonNode moved =
        cluster.await(
            id,
            "attempt 2",
            job -> job.path("attempt").asInt() == 2 && TestCluster.state(job).equals("RUNNING"));
    assertThat(moved.path("workers").path(0).path("id").asText()).isEqualTo(hosts.get(1).id());
    assertThat(moved.path("restarts").asInt()).isZero();
    assertThat(cluster.startedAt(id).get(1)).isEqualTo(lastCheckpointBefore(id, 2));
  }

  @Test
  void shouldRefuseASecondCoordinatorOnTheStoreAndOthersWithoutAToken() throws Exception {
    assertThat(cluster.coordinator().said()).contains("no token").contains("this machine only");
    String store = directory.resolve("store").toString();
    TandemProcess second = coordinator(Map.of(), store, "127.0.0.1");
    TandemProcess open = coordinator(Map.of(), directory.resolve("b").toString(), "0.0.0.0");
    TandemProcess guarded =
        coordinator(Map.of("TANDEM_TOKEN", "s3cret"), directory.resolve("c").toString(), "0.0.0.0");
    assertThat(second.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(second.said())
        .contains("the store in " + store + " belongs to a coordinator that is running");
    assertThat(open.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(open.said()).contains("REST would listen on 0.0.0.0 without a token");
    String port = guarded.await("coordinator at http://[^:]+:(\\d+)").group(1);
    List<String> jobs = List.of("jobs", "--server", "http://127.0.0.1:" + port);
    TandemProcess without = cluster.tandem(jobs.toArray(String[]::new));
    TandemProcess with =
        cluster.tandem(Map.of("TANDEM_TOKEN", "s3cret"), jobs.toArray(String[]::new));
    assertThat(without.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(without.said()).contains("TANDEM_TOKEN");
    assertThat(with.exitCode()).as(with.said()).isZero();
    assertThat(cluster.client().workers().path("workers")).isEmpty(); // the first one serves on
  }

  private TandemProcess coordinator(Map<String, String> environment, String store, String host)
      throws Exception {
    return cluster.tandem(
        environment,
        "coordinator",
        "--store",
        store,
        "--rest-host",
        host,
        "--rest-port",
        "0",
        "--control-port",
        "0");
  }
}
