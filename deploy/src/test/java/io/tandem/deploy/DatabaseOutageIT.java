package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/** The PostgreSQL of real coordinators is stopped while real workers train, and comes back. */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
class DatabaseOutageIT {
  /** Longer than anything that coordinators and workers wait for of each other. */
  private static final Duration AWAY = Duration.ofSeconds(15);

  private static final int ENDLESS = 10_000_000;

  /** So many steps are compared with those of a job that nothing happens to. */
  private static final int ALIKE = 60;

  /** The ports of a coordinator. */
  private record Node(int rest, int control) {
    static Node free() throws IOException {
      try (ServerSocket one = new ServerSocket(0);
          ServerSocket two = new ServerSocket(0)) {
        return new Node(one.getLocalPort(), two.getLocalPort());
      }
    }
  }

  @TempDir Path directory;
  private final HttpClient http = HttpClient.newHttpClient();
  private TestDatabase database;
  private TestCluster cluster;
  private Node first;
  private Node second;
  private String peers;

  @BeforeEach
  void start() throws Exception {
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures(), DataSpec.Format.FOLDER, 2);
    database = TestDatabase.start(directory.resolve("data"));
    cluster = new TestCluster(directory);
    first = Node.free();
    second = Node.free();
    peers = "127.0.0.1:%d,127.0.0.1:%d".formatted(first.control(), second.control());
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
    database.close();
  }

  private Path pictures() {
    return directory.resolve("pictures");
  }

  /**
   * All its checkpoints stay, and the learning rates of its first steps do not tell how many there
   * will be.
   */
  private String job(int steps) {
    return TestCluster.job(pictures(), 2, 1, steps)
        .replace("every: 5", "every: 5, keep: 1000")
        .replace(
            "unlabeledBatch: 6",
            "unlabeledBatch: 6, teacher: {warmupSteps: %1$d}, student: {warmupSteps: %1$d}"
                .formatted(ALIKE));
  }

  private TandemProcess coordinator(Node node) throws Exception {
    Map<String, String> environment = new HashMap<>(database.environment("127.0.0.1"));
    environment.put("TANDEM_REST_PORT", String.valueOf(node.rest()));
    environment.put("TANDEM_CONTROL_PORT", String.valueOf(node.control()));
    environment.put("TANDEM_PEERS", peers);
    return cluster.tandem(environment, "coordinator");
  }

  private HttpResponse<String> call(Node node, String method, String path, String body)
      throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.rest() + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private void assertUnavailable(Node node) throws Exception {
    for (HttpResponse<String> answer :
        List.of(call(node, "GET", "/v1/jobs", ""), call(node, "POST", "/v1/jobs", job(ENDLESS)))) {
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).isPresent();
    }
    assertThat(call(node, "GET", "/health/live", "").statusCode()).isEqualTo(200);
  }

  private int ready(Node node) throws Exception {
    return call(node, "GET", "/health/ready", "").statusCode();
  }

  private void awaitReady(Node node) {
    Awaitility.await("readiness").atMost(Duration.ofSeconds(60)).until(() -> ready(node) == 200);
  }

  /** What a job computes that nothing happens to; tells how many steps take that long here. */
  private int stepsOf(Duration time, String undisturbed) {
    cluster.awaitCheckpoint(undisturbed, ALIKE);
    double rate = cluster.client().job(undisturbed).path("stepsPerSecond").asDouble();
    cluster.client().act(undisturbed, "cancel");
    cluster.awaitState(undisturbed, "CANCELLED");
    return Math.max(2 * ALIKE, (int) (time.toSeconds() * rate));
  }

  private List<JsonNode> all(String id) {
    List<JsonNode> events = new ArrayList<>();
    cluster.client().events(id).path("events").forEach(events::add);
    return events;
  }

  private List<Integer> committed(String id) {
    return cluster.events(id, "checkpoint").stream()
        .map(event -> event.path("data").path("step").asInt())
        .toList();
  }

  /**
   * One coordinator leads and stays; the other one is started while there is no database, and leads
   * in the end.
   */
  @Test
  void shouldTrainOnWhileTheDatabaseIsAwayAndLoseNothing() throws Exception {
    TandemProcess leader = coordinator(first);
    cluster.speakTo(first.rest());
    cluster.awaitLeader();
    awaitReady(first); // as a supervisor's probe finds it
    List.of(cluster.worker(1, peers), cluster.worker(1, peers)).forEach(TestCluster::registered);
    String undisturbed = cluster.submit(job(ENDLESS));
    int steps = stepsOf(AWAY.plusSeconds(15), undisturbed);
    String id = cluster.submit(job(steps));
    cluster.awaitCheckpoint(id, 5);
    List<JsonNode> known = all(id);

    database.stop();
    Instant stopped = Instant.now();
    TandemProcess other = coordinator(second);
    other.await("cannot be reached");
    Instant end = Instant.now().plus(AWAY);
    while (Instant.now().isBefore(end)) {
      assertUnavailable(first);
      assertUnavailable(second);
      assertThat(ready(first)).as("whoever asks is to be told").isEqualTo(200);
      assertThat(ready(second)).as("it has not served yet").isEqualTo(503);
    }
    Instant back = Instant.now();
    database.startAgain();
    Duration took = cluster.awaitLeader();
    System.out.printf("the database is back: led again %.1f s later%n", took.toMillis() / 1000.0);
    Awaitility.await("a checkpoint that was made meanwhile")
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                cluster.events(id, "checkpoint").stream()
                    .anyMatch(event -> isBetween(event, stopped, back)));
    assertThat(all(id)).startsWith(known.toArray(JsonNode[]::new));

    other.await("coordinator at");
    awaitReady(second);
    leader.terminate();
    other.await("leads in epoch");
    cluster.speakTo(second.rest());
    cluster.awaitLeader();
    Awaitility.await("the workers")
        .atMost(Duration.ofSeconds(60))
        .until(() -> cluster.client().workers().path("workers").size() == 2);
    cluster.awaitState(id, "SUCCEEDED");

    JsonNode job = cluster.client().job(id);
    assertThat(job.path("attempt").asInt()).isEqualTo(1);
    assertThat(job.path("step").asInt()).isEqualTo(steps);
    assertThat(cluster.events(id, "state"))
        .extracting(event -> event.path("data").path("to").asText())
        .containsExactly("QUEUED", "PLACING", "RUNNING", "SUCCEEDED");
    assertThat(committed(id))
        .as("each checkpoint is told of, and once")
        .containsSubsequence(IntStream.rangeClosed(1, steps / 5).mapToObj(i -> 5 * i).toList())
        .doesNotHaveDuplicates();
    assertThat(firstStates(id)).hasSize(ALIKE / 5).isEqualTo(firstStates(undisturbed));
  }

  /** The digests of the checkpoints of the steps that are alike. */
  private Map<Integer, JsonNode> firstStates(String id) {
    return new TreeMap<>(Trajectory.of(cluster.client(), id).states()).headMap(ALIKE, true);
  }

  private static boolean isBetween(JsonNode event, Instant from, Instant to) {
    Instant time = Instant.parse(event.path("time").asText());
    return time.isAfter(from) && time.isBefore(to);
  }
}
