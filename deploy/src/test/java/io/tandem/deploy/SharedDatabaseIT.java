package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two coordinators as processes on one PostgreSQL: the leading one is killed while a job trains.
 */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
class SharedDatabaseIT {
  @TempDir Path directory;

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static TandemProcess coordinator(
      TestCluster cluster, TestDatabase database, int rest, int control, String peers)
      throws Exception {
    return cluster.tandem(
        database.environment("127.0.0.1"),
        "coordinator",
        "--peers",
        peers,
        "--rest-port",
        String.valueOf(rest),
        "--control-port",
        String.valueOf(control));
  }

  @Test
  void shouldTrainOnWhileTheLeadingCoordinatorIsKilledAndAnotherTakesOver() throws Exception {
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    int rest = freePort();
    int otherRest = freePort();
    int control = freePort();
    int otherControl = freePort();
    String peers = "127.0.0.1:%d,127.0.0.1:%d".formatted(control, otherControl);
    try (TestDatabase database = TestDatabase.start();
        TestCluster cluster = new TestCluster(directory)) {
      TandemProcess leader = coordinator(cluster, database, rest, control, peers);
      cluster.speakTo(rest);
      cluster.awaitLeader();
      TandemProcess other = coordinator(cluster, database, otherRest, otherControl, peers);
      List.of(cluster.worker(1, peers), cluster.worker(1, peers)).forEach(TestCluster::registered);
      cluster.speakTo(otherRest);
      cluster.awaitLeader();

      String probe = cluster.submit(TestCluster.job(pictures, 2, 1, 10_000_000));
      JsonNode measured =
          cluster.await(
              probe,
              "its rate",
              job ->
                  job.path("checkpointStep").asInt() >= 5
                      && job.path("stepsPerSecond").asDouble() > 0);
      cluster.client().act(probe, "cancel");
      cluster.awaitState(probe, "CANCELLED");
      int steps = Math.max(30, (int) (18 * measured.path("stepsPerSecond").asDouble()));
      String id = cluster.submit(TestCluster.job(pictures, 2, 1, steps));
      int before = cluster.awaitCheckpoint(id, 5).path("checkpointStep").asInt();

      leader.kill();
      Duration took = cluster.awaitLeader();
      System.out.printf(
          "kill -9 of the leading coordinator: the other one leads after %.1f s%n",
          took.toMillis() / 1000.0);
      assertThat(took).isLessThan(Duration.ofSeconds(15));
      String queued = cluster.submit(TestCluster.job(pictures, 1, 1, 5));
      cluster.await(id, "news", job -> job.path("checkpointStep").asInt() > before);

      cluster.awaitState(id, "SUCCEEDED");
      JsonNode job = cluster.client().job(id);
      assertThat(job.path("attempt").asInt()).isEqualTo(1);
      assertThat(job.path("step").asInt()).isEqualTo(steps);
      assertThat(cluster.events(id, "state"))
          .extracting(event -> event.path("data").path("to").asText())
          .containsExactly("QUEUED", "PLACING", "RUNNING", "SUCCEEDED");
      assertThat(cluster.events(id, "started")).hasSize(2);
      // The job has succeeded when the one that wrote the model says so; the other is soon there.
      Awaitility.await("what the other worker said last")
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(cluster.events(id, "ended")).hasSize(2));
      assertThat(
              cluster.events(id, "checkpoint").stream()
                  .mapToInt(event -> event.path("data").path("step").asInt())
                  .distinct())
          .as("every checkpoint is told of, also of the time when nobody led")
          .containsAll(IntStream.rangeClosed(1, steps / 5).map(i -> 5 * i).boxed().toList());
      cluster.awaitState(queued, "SUCCEEDED");

      TandemProcess again = coordinator(cluster, database, rest, control, peers);
      again.await("coordinator at");
      cluster.speakTo(rest);
      cluster.awaitLeader();
      assertThat(TestCluster.state(cluster.client().job(id))).isEqualTo("SUCCEEDED");
      assertThat(other.said()).contains("leads in epoch");
      Secrets secrets = new Secrets().and("the database's password", TestDatabase.PASSWORD);
      secrets.assertGiven("the database's password", other, again);
      secrets
          .lookBelow(directory)
          .lookAt(cluster.processes())
          .ask(cluster.server(), "", id)
          .assertNoneSeen();
    }
  }
}
