package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.store.Database;
import io.tandem.coordinator.store.Leadership;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.StartAttempt;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Coordinators on one PostgreSQL, called over REST. */
class SharedDatabaseTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration LONG = Duration.ofSeconds(40);

  private final HttpClient client = HttpClient.newHttpClient();
  private final List<AutoCloseable> open = new ArrayList<>();

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

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static Formation peers(int... ports) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (int port : ports) {
      addresses.add(InetSocketAddress.createUnresolved("127.0.0.1", port));
    }
    return new Formation.Peers(addresses);
  }

  private static CoordinatorSettings settings(
      Database database, int restPort, int controlPort, Formation formation) {
    return new CoordinatorSettings(
            Path.of("unused"), "127.0.0.1", restPort, "127.0.0.1", controlPort, "")
        .sharing(database, LONG, formation);
  }

  private CoordinatorServer start(Database database, int controlPort, Formation formation) {
    return closing(
        CoordinatorServer.start(
            settings(database, 0, controlPort, formation), RunningCoordinator.QUICK));
  }

  private HttpResponse<String> call(int port, String method, String path, String body)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode json(CoordinatorServer server, String path) throws Exception {
    HttpResponse<String> answer = call(server.restPort(), "GET", path, "");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private void awaitReady(CoordinatorServer... servers) {
    for (CoordinatorServer server : servers) {
      await()
          .atMost(LONG)
          .untilAsserted(
              () ->
                  assertThat(json(server, "/health/ready").get("status").asText()).isEqualTo("up"));
    }
  }

  private String metrics(CoordinatorServer server) throws Exception {
    return call(server.restPort(), "GET", "/metrics", "").body();
  }

  private String submit(CoordinatorServer server) throws Exception {
    HttpResponse<String> answer = call(server.restPort(), "POST", "/v1/jobs", TestJobs.yaml(1, 1));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    return JSON.readTree(answer.body()).get("id").asText();
  }

  private String state(CoordinatorServer server, String id) throws Exception {
    return json(server, "/v1/jobs/" + id).get("state").asText();
  }

  private List<String> events(CoordinatorServer server, String id) throws Exception {
    JsonNode events = json(server, "/v1/jobs/" + id + "/events").get("events");
    return StreamSupport.stream(events.spliterator(), false)
        .map(event -> event.get("type").asText())
        .toList();
  }

  @Test
  void shouldAnswerAlikeAndGoOnWithTheOtherWhenOneLeaves() throws Exception {
    Database database = TestPostgres.fresh();
    int first = freePort();
    int second = freePort();
    CoordinatorServer a = start(database, first, peers(first, second));
    awaitReady(a);
    CoordinatorServer b = start(database, second, peers(second, first));
    awaitReady(b);

    FakeWorker worker = closing(new FakeWorker(second, "w", 1));
    worker.send(worker.registration().build());
    worker.expect(Registered.class);
    String id = submit(b);
    StartAttempt start = worker.expect(StartAttempt.class);
    assertThat(start.getJobId()).isEqualTo(id);
    worker.report(start, RunningCoordinator.started());
    worker.expect(Acknowledged.class);
    for (CoordinatorServer server : List.of(a, b)) {
      assertThat(state(server, id)).isEqualTo("RUNNING");
      assertThat(json(server, "/v1/workers").get("workers").get(0).get("id").asText())
          .isEqualTo("w");
      String waiting = submit(server);
      assertThat(json(server, "/v1/jobs/" + waiting).get("missing").asText()).isNotEmpty();
      assertThat(call(server.restPort(), "POST", "/v1/jobs/" + waiting + "/cancel", "").body())
          .contains("CANCELLED");
      assertThat(call(server.restPort(), "DELETE", "/v1/jobs/" + waiting, "").statusCode())
          .isEqualTo(204);
    }

    assertThat(metrics(a)).contains("tandem_coordinator_leader 1.0");
    assertThat(metrics(b)).contains("tandem_coordinator_leader 0.0");
    for (CoordinatorServer server : List.of(a, b)) {
      assertThat(metrics(server))
          .contains("tandem_workers 1.0", "tandem_slots_used 1.0")
          .contains("tandem_job_state{job_id=\"%s\",state=\"RUNNING\"} 1.0".formatted(id));
    }

    a.close(); // it led, being the older
    awaitReady(b);
    assertThat(metrics(b)).contains("tandem_coordinator_leader 1.0");
    worker.send(worker.registration().build());
    worker.expect(Registered.class);
    worker.report(start, RunningCoordinator.checkpoint(5, "/c/5"));
    worker.expect(Acknowledged.class);
    assertThat(state(b, id)).isEqualTo("RUNNING");
    assertThat(json(b, "/v1/jobs/" + id).get("attempt").asInt()).isEqualTo(1);
    assertThat(events(b, id)).containsExactly("state", "state", "started", "state", "checkpoint");

    CoordinatorServer again = start(database, first, peers(first, second));
    awaitReady(again);
    assertThat(state(again, id)).isEqualTo("RUNNING");
  }

  @Test
  void shouldBeginWithoutTheOthersWhenTheyAreAway() throws Exception {
    int own = freePort();
    CoordinatorServer alone = start(TestPostgres.fresh(), own, peers(freePort(), own));
    awaitReady(alone);
    assertThat(submit(alone)).isNotEmpty();
  }

  @Test
  void shouldLeaveTheDatabaseToWhoHasIt() {
    Database database = TestPostgres.fresh();
    CoordinatorServer first = start(database, 0, new Formation.Alone());
    assertThatThrownBy(
            () ->
                CoordinatorServer.start(
                    settings(database, 0, 0, new Formation.Alone()), RunningCoordinator.QUICK))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("127.0.0.1:" + first.controlPort())
        .hasMessageContaining("--peers");
    first.close(); // and so need not be waited for
    start(database, 0, new Formation.Alone());
  }

  @Test
  void shouldAnswer503WhileTheDatabaseIsAwayAndLoseNothing() throws Exception {
    Database direct = TestPostgres.fresh();
    Cable cable = closing(new Cable(TestPostgres.port()));
    cable.cut();
    int rest = freePort();
    CompletableFuture<CoordinatorServer> starting =
        CompletableFuture.supplyAsync(
            () ->
                CoordinatorServer.start(
                    settings(TestPostgres.through(cable, direct), rest, 0, new Formation.Alone()),
                    RunningCoordinator.QUICK));
    await()
        .atMost(LONG)
        .ignoreExceptionsInstanceOf(IOException.class)
        .until(
            () -> {
              assertThat(starting.isDone() ? starting.join() : null).isNull();
              return call(rest, "GET", "/health/live", "").statusCode() == 200;
            });
    assertUnavailable(rest);
    HttpResponse<String> before = call(rest, "GET", "/health/ready", "");
    assertThat(before.statusCode()).as("it has not served yet").isEqualTo(503);
    assertThat(before.body()).contains("cannot be reached");
    cable.mend();
    CoordinatorServer server = closing(starting.get(60, TimeUnit.SECONDS));
    awaitReady(server);

    FakeWorker worker = closing(new FakeWorker(server.controlPort(), "w", 1));
    worker.send(worker.registration().build());
    worker.expect(Registered.class);
    String id = submit(server);
    StartAttempt start = worker.expect(StartAttempt.class);
    worker.report(start, RunningCoordinator.started());
    worker.expect(Acknowledged.class);

    cable.cut();
    worker.report(start, RunningCoordinator.checkpoint(5, "/c/5")); // nobody acknowledges that
    assertUnavailable(rest);
    await()
        .atMost(LONG)
        .untilAsserted(
            () -> {
              JsonNode ready = json(server, "/health/ready"); // 200: who calls is to be told
              assertThat(ready.get("status").asText()).isEqualTo("waiting");
              assertThat(ready.get("detail").asText()).contains("cannot be reached");
            });
    cable.mend();
    awaitReady(server);
    await()
        .atMost(LONG)
        .untilAsserted(
            () -> {
              worker.send(worker.registration().build());
              worker.repeat();
              assertThat(events(server, id))
                  .containsExactly("state", "state", "started", "state", "checkpoint");
            });
    assertThat(state(server, id)).isEqualTo("RUNNING");
    assertThat(json(server, "/v1/jobs/" + id).get("attempt").asInt()).isEqualTo(1);
  }

  /** Who is asked for the first time then is as ready as who was asked before. */
  @Test
  void shouldBeReadyInAnOutageThoughNobodyAskedBefore() throws Exception {
    Database direct = TestPostgres.fresh();
    Cable cable = closing(new Cable(TestPostgres.port()));
    CoordinatorServer server = start(TestPostgres.through(cable, direct), 0, new Formation.Alone());
    cable.cut();
    assertUnavailable(server.restPort());
    assertThat(json(server, "/health/ready").get("status").asText()).isEqualTo("waiting");
    cable.mend(); // it closes sooner
  }

  /** Calls are better made to those that lead. */
  @Test
  void shouldNotBeReadyWhileOthersLeadWithoutIt() throws Exception {
    Database database = TestPostgres.fresh();
    int own = freePort();
    CoordinatorServer server = start(database, own, peers(own));
    awaitReady(server);
    try (Store others = Store.of(database)) {
      others.awaitOpen(LONG);
      Leadership lead = others.lead("another side");
      await()
          .atMost(LONG)
          .ignoreExceptionsInstanceOf(IOException.class)
          .until(
              () -> {
                lead.renew();
                return call(server.restPort(), "GET", "/health/ready", "").statusCode() == 503;
              });
      lead.resign();
    }
    awaitReady(server);
  }

  private void assertUnavailable(int rest) throws Exception {
    HttpResponse<String> list = call(rest, "GET", "/v1/jobs", "");
    assertThat(list.statusCode()).as(list.body()).isEqualTo(503);
    assertThat(list.headers().firstValue("Retry-After")).contains("5");
    assertThat(list.body()).contains("cannot be reached");
    HttpResponse<String> submit = call(rest, "POST", "/v1/jobs", TestJobs.yaml(1, 1));
    assertThat(submit.statusCode()).isEqualTo(503);
    assertThat(submit.headers().firstValue("Retry-After")).isPresent();
    assertThat(call(rest, "GET", "/health/live", "").statusCode()).isEqualTo(200);
  }
}
