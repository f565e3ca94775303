package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two coordinators and two workers, each on a host of its own (a network namespace), on one
 * PostgreSQL; their network is parted. {@code a} leads first, being the older.
 */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
class PartitionIT {
  private static final String TOKEN = "token-of-the-test";
  private static final Duration SETTLED = Duration.ofSeconds(60);

  @TempDir Path directory;
  private final List<AutoCloseable> open = new ArrayList<>();
  private TestHosts hosts;
  private TestCluster cluster;
  private Path pictures;
  private final Map<String, TandemProcess> coordinators = new HashMap<>();

  @BeforeEach
  void start() throws Exception {
    String missing = TestHosts.missing();
    assumeTrue(missing.isEmpty(), () -> "skipped: no network namespaces here: " + missing);
    pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    hosts = closing(new TestHosts(List.of("a", "b", "c", "d")));
    TestDatabase database =
        closing(TestDatabase.start(directory.resolve("data"), hosts.gateway(), hosts.network()));
    cluster = closing(new TestCluster(directory));
    for (String name : List.of("a", "b")) {
      coordinators.put(name, coordinator(name, database));
      speakTo(name);
      cluster.awaitLeader();
    }
    List<TandemProcess> workers = List.of(worker("c"), worker("d"));
    workers.forEach(TestCluster::registered);
  }

  /** The processes before the hosts that they are on. */
  @AfterEach
  void stop() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private <T extends AutoCloseable> T closing(T resource) {
    open.add(resource);
    return resource;
  }

  private String peers() {
    return hosts.address("a") + ":25520," + hosts.address("b") + ":25520";
  }

  private TandemProcess coordinator(String name, TestDatabase database) throws Exception {
    Map<String, String> environment = new HashMap<>(database.environment(hosts.gateway()));
    environment.put("TANDEM_TOKEN", TOKEN);
    environment.put("TANDEM_PEERS", peers());
    environment.put("TANDEM_HOST", hosts.address(name));
    environment.put("TANDEM_REST_HOST", hosts.address(name));
    return cluster.tandem(hosts.on(name), environment, "coordinator");
  }

  private TandemProcess worker(String name) throws Exception {
    return cluster.tandem(
        hosts.on(name),
        Map.of("TANDEM_COORDINATOR", peers(), "TANDEM_HOST", hosts.address(name)),
        "worker",
        "--threads",
        "1",
        "--directory",
        directory.resolve("checkpoints").toString());
  }

  private void speakTo(String name) {
    cluster.speakTo(hosts.address(name), 8080, TOKEN);
  }

  private boolean isLed(String name) {
    speakTo(name);
    try {
      return cluster.client().workers().has("workers");
    } catch (ClientException e) {
      return false;
    }
  }

  private int committed(String id) {
    return cluster.client().job(id).path("checkpointStep").asInt();
  }

  @Test
  void shouldTrainOnWhileTheLeadingCoordinatorIsCutOffAndTakeItBack() throws Exception {
    String id = cluster.submit(TestCluster.job(pictures, 2, 1, 10_000_000));
    cluster.awaitCheckpoint(id, 5);
    hosts.cut("a");
    speakTo("b");
    Duration took = cluster.awaitLeader();
    System.out.printf(
        "leading coordinator cut off: the other one leads after %.1f s%n",
        took.toMillis() / 1000.0);
    assertThat(took).isLessThan(Duration.ofSeconds(30));
    coordinators.get("a").await("this coordinator steps down");
    int before = committed(id);
    cluster.await(id, "news", job -> job.path("checkpointStep").asInt() > before);

    hosts.mend("a");
    await().atMost(SETTLED).until(() -> isLed("a"));
    JsonNode job = cluster.client().job(id);
    assertThat(job.path("state").asText()).isEqualTo("RUNNING");
    assertThat(job.path("attempt").asInt()).as("training has not stopped").isEqualTo(1);
    cluster.client().act(id, "cancel");
    cluster.awaitState(id, "CANCELLED");
  }

  /** Both sides reach the database: a and c on one, b and d on the other. */
  @Test
  void shouldGoOnOnOneSideOfASplitDownTheMiddleAndLoseNothing() throws Exception {
    String id = cluster.submit(TestCluster.job(pictures, 2, 1, 10_000_000));
    cluster.awaitCheckpoint(id, 5);
    int before = committed(id);
    hosts.part(List.of("a", "c"), List.of("b", "d"));
    await()
        .atMost(SETTLED)
        .until(
            () ->
                coordinators.get("a").said().contains("steps down")
                    || coordinators.get("b").said().contains("steps down"));
    String out = coordinators.get("a").said().contains("steps down") ? "a" : "b";
    String left = out.equals("a") ? "b" : "a";
    speakTo(left);
    cluster.awaitLeader();
    assertThat(isLed(out)).as("both sides lead").isFalse();
    speakTo(left);
    cluster.await(
        id, "the loss of a peer", job -> List.of("RECOVERING", "QUEUED").contains(state(job)));
    String small = cluster.submit(TestCluster.job(pictures, 1, 1, 5));
    cluster.awaitState(small, "SUCCEEDED");
    assertThat(isLed(out)).as("both sides lead").isFalse();
    assertThat(coordinators.get(left).said()).doesNotContain("steps down");

    hosts.join(List.of("a", "c"), List.of("b", "d"));
    await().atMost(SETTLED).until(() -> isLed(out));
    assertThat(committed(id)).as("no committed step is lost").isGreaterThanOrEqualTo(before);
    cluster.await(id, "training", job -> job.path("attempt").asInt() > 1 && isRunning(job));
    int resumed = committed(id);
    assertThat(cluster.startedAt(id)).last().isEqualTo(resumed);
    cluster.await(id, "news", job -> job.path("checkpointStep").asInt() > resumed);
    cluster.client().act(id, "cancel");
    cluster.awaitState(id, "CANCELLED");
  }

  private static String state(JsonNode job) {
    return TestCluster.state(job);
  }

  private static boolean isRunning(JsonNode job) {
    return state(job).equals("RUNNING");
  }
}
