package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/** Processes whose host's clock is five minutes off, by libfaketime, train with others. */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
class WrongClockIT {
  private static final Path LIBRARIES = Path.of("/usr/lib");
  private static final String LIBRARY = "faketime/libfaketimeMT.so.1";
  private static final int STEPS = 20;

  @TempDir Path directory;

  private static String library() throws IOException {
    try (Stream<Path> below = Files.list(LIBRARIES)) {
      return below
          .map(path -> path.resolve(LIBRARY))
          .filter(Files::isRegularFile)
          .map(Path::toString)
          .findFirst()
          .orElse("");
    }
  }

  /** The wall clock is off; what only grows, and every wait, goes on as it should. */
  private static Map<String, String> off(String library, String by) {
    return Map.of(
        "LD_PRELOAD",
        library,
        "FAKETIME",
        by,
        "FAKETIME_DONT_FAKE_MONOTONIC",
        "1",
        "DONT_FAKE_MONOTONIC",
        "1",
        "FAKETIME_FORCE_MONOTONIC_FIX",
        "0");
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** The only coordinator's is ahead of the database's and one worker's, the other one's behind. */
  @Test
  void shouldTrainAndTellTheDatabasesTimeWhateverTheHostsClocksShow() throws Exception {
    String library = library();
    assumeTrue(!library.isEmpty(), "skipped: no libfaketime in " + LIBRARIES);
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    int rest = freePort();
    int control = freePort();
    String address = "127.0.0.1:" + control;
    try (TestDatabase database = TestDatabase.start();
        TestCluster cluster = new TestCluster(directory)) {
      Instant before = Instant.now();
      Map<String, String> environment = new HashMap<>(database.environment("127.0.0.1"));
      environment.putAll(off(library, "+5m"));
      environment.put("TANDEM_REST_PORT", String.valueOf(rest));
      environment.put("TANDEM_CONTROL_PORT", String.valueOf(control));
      TandemProcess coordinator = cluster.tandem(environment, "coordinator");
      cluster.speakTo(rest);
      cluster.awaitLeader();
      TandemProcess behind = cluster.worker(1, address, off(library, "-5m"));
      TestCluster.registered(behind);
      TestCluster.registered(cluster.worker(1, address, Map.of()));

      String id = cluster.submit(TestCluster.job(pictures, 2, 1, STEPS));
      cluster.awaitState(id, "SUCCEEDED");
      Instant after = Instant.now();
      JsonNode job = cluster.client().job(id);
      assertThat(job.path("attempt").asInt()).isEqualTo(1);
      assertThat(job.path("step").asInt()).isEqualTo(STEPS);
      assertThat(times(cluster, id))
          .isNotEmpty()
          .allSatisfy(
              time -> assertThat(time).isBetween(before.minusSeconds(1), after.plusSeconds(1)));
      assertThat(timesOf(cluster, id, "checkpoint")).isSorted().hasSize(STEPS / 5);
      assertThat(timesOf(cluster, id, "state")).isSorted();
      JsonNode metrics = cluster.client().series(id).path("metrics");
      assertThat(metrics).isNotEmpty();
      for (JsonNode point : metrics) {
        assertThat(Instant.parse(point.path("time").asText())).isBetween(before, after);
      }
      behind.await("this host's clock is [0-9]+ s behind the coordinator's");
      assertThat(coordinator.isAlive()).isTrue();
    }
  }

  private static List<Instant> times(TestCluster cluster, String id) {
    List<Instant> all = new ArrayList<>();
    for (JsonNode event : cluster.client().events(id).path("events")) {
      all.add(Instant.parse(event.path("time").asText()));
    }
    return all;
  }

  private static List<Instant> timesOf(TestCluster cluster, String id, String type) {
    return cluster.events(id, type).stream()
        .map(event -> Instant.parse(event.path("time").asText()))
        .toList();
  }
}
