package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinitions;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** What REST answers. */
class RestTest extends RunningCoordinator {
  @Test
  void shouldAnswerEveryMistakeAtOnce() throws Exception {
    HttpResponse<String> answer =
        call("POST", "/v1/jobs", "name: x\nnonsense: 1\nmesh: {replicas: -1, shards: many}\n");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/problem+json");
    assertThat(JSON.readTree(answer.body()).get("errors").size()).isGreaterThanOrEqualTo(3);
    assertThat(call("POST", "/v1/jobs", "x".repeat(10 << 20)).statusCode()).isEqualTo(413);
    assertThat(call("GET", "/v1/jobs?limit=0", "").statusCode()).isEqualTo(400);
    assertThat(call("GET", "/v1/jobs?state=lost", "").body()).contains("QUEUED");
    assertThat(call("PUT", "/v1/jobs", "").statusCode()).isEqualTo(405);
    assertThat(call("GET", "/v2", "").statusCode()).isEqualTo(404);
    assertThat(call("POST", "/v1/jobs/none/cancel", "").statusCode()).isEqualTo(404);
  }

  /** A job of which so many bytes are announced, and few sent. */
  private BareHttp.Answer announce(long bytes) throws IOException {
    String head =
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n".formatted(bytes);
    return BareHttp.ask(server.restPort(), (head + "name: x").getBytes(StandardCharsets.US_ASCII));
  }

  /** What is a little too large is read, so that the client gets to read the answer. */
  @Test
  void shouldNotWaitForABodyThatIsFarTooLarge() throws Exception {
    BareHttp.Answer answer = announce((64L << 20) + 1);
    assertThat(answer.status()).as(answer.body()).isEqualTo(413);
    answer.assertExplained();
  }

  @Test
  void shouldTellTheLinesOfMistakes() throws Exception {
    String job = "name: x\nmesh:\n  replicas: 1\n  shards: many\ndata: {format: idx}\n";
    for (String path : List.of("/v1/jobs", "/v1/jobs?dryRun=true")) {
      HttpResponse<String> answer = call("POST", path, job);
      assertThat(answer.statusCode()).isEqualTo(400);
      JsonNode errors = JSON.readTree(answer.body()).get("errors");
      assertThat(line(errors, "mesh.shards").asInt()).isEqualTo(4);
      assertThat(line(errors, "data.path").asInt()).isEqualTo(5);
      assertThat(line(errors, "training.steps")).isNull();
    }
    JsonNode broken = JSON.readTree(call("POST", "/v1/jobs", "name: x\n\tmesh: 1\n").body());
    assertThat(line(broken.get("errors"), "").asInt()).isEqualTo(2);
  }

  private static JsonNode line(JsonNode errors, String path) {
    for (JsonNode error : errors) {
      if (error.get("path").asText().equals(path)) {
        return error.get("line");
      }
    }
    throw new AssertionError("no mistake at " + path + " in " + errors);
  }

  @Test
  void shouldCheckAJobFileAndStartNothing() throws Exception {
    HttpResponse<String> checked =
        call("POST", "/v1/jobs?dryRun=true", TestJobs.yaml(1, 2), "Idempotency-Key", "k");
    assertThat(checked.statusCode()).isEqualTo(200);
    assertThat(checked.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/yaml");
    assertThat(checked.body()).contains("shards: 2").contains("maximumRestarts: 10");
    assertThat(json("GET", "/v1/jobs").get("jobs")).isEmpty();

    String id = submit(1, 2);
    HttpResponse<String> file = call("GET", "/v1/jobs/" + id + "/file", "");
    assertThat(file.body()).isEqualTo(checked.body());
    assertThat(call("POST", "/v1/jobs", file.body()).statusCode()).isEqualTo(201);
    assertThat(call("GET", "/v1/jobs/none/file", "").statusCode()).isEqualTo(404);
  }

  @Test
  void shouldKeepAnIdempotencyKeyToOneBody() throws Exception {
    String body = TestJobs.yaml(1, 1);
    HttpResponse<String> first = call("POST", "/v1/jobs", body, "Idempotency-Key", "k1");
    HttpResponse<String> second = call("POST", "/v1/jobs", body, "Idempotency-Key", "k1");
    assertThat(first.statusCode()).isEqualTo(201);
    assertThat(second.statusCode()).isEqualTo(200);
    assertThat(JSON.readTree(second.body()).get("id"))
        .isEqualTo(JSON.readTree(first.body()).get("id"));
    HttpResponse<String> other =
        call("POST", "/v1/jobs", TestJobs.yaml(1, 2), "Idempotency-Key", "k1");
    assertThat(other.statusCode()).isEqualTo(409);
    String id = JSON.readTree(first.body()).get("id").asText();
    call("POST", "/v1/jobs/" + id + "/pause", "");
    String mesh = "{\"mesh\":{\"replicas\":2,\"shards\":1}}";
    assertThat(call("POST", "/v1/jobs/" + id + "/resume", mesh).statusCode()).isEqualTo(200);
    assertThat(call("POST", "/v1/jobs", body, "Idempotency-Key", "k1").statusCode())
        .as("the same body on another mesh since")
        .isEqualTo(200);
  }

  @Test
  void shouldNameTheMethodsThatAreAllowed() throws Exception {
    HttpResponse<String> answer = call("PUT", "/v1/jobs", "");
    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(answer.headers().firstValue("Allow")).hasValue("POST, GET");
  }

  @Test
  void shouldAnswerTheJobThatTheOpenApiDocumentDescribes() throws Exception {
    JsonNode described =
        new YAMLMapper()
            .readTree(call("GET", "/openapi.yaml", "").body())
            .at("/components/schemas/Job/properties");
    JsonNode job = json("GET", "/v1/jobs/" + submit(1, 1));
    assertThat(job.fieldNames()).toIterable().containsExactlyElementsOf(described::fieldNames);
  }

  @Test
  void shouldSayThatTheStoreFailsAndGoOnWhenItServesAgain() throws Exception {
    String before = submit(1, 1);
    String file = "jdbc:sqlite:" + directory.resolve("tandem.db");
    try (Connection connection = DriverManager.getConnection(file);
        Statement statement = connection.createStatement()) {
      statement.execute("ALTER TABLE events RENAME TO gone");
      HttpResponse<String> refused = call("POST", "/v1/jobs", TestJobs.yaml(1, 2));
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.body())
          .contains("most likely nothing was changed")
          .contains("no such table: events");
      statement.execute("ALTER TABLE gone RENAME TO events");
    }
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> call("GET", "/health/ready", "").statusCode() == 200);
    String after = submit(1, 2);
    assertThat(json("GET", "/v1/jobs").get("jobs"))
        .extracting(job -> job.get("id").asText())
        .containsExactly(after, before);
  }

  @Test
  void shouldPageThroughJobs() throws Exception {
    for (int i = 0; i < 3; i++) {
      submit(1, 1);
    }
    JsonNode first = json("GET", "/v1/jobs?limit=2");
    assertThat(first.get("jobs")).hasSize(2);
    JsonNode last = json("GET", "/v1/jobs?limit=2&cursor=" + first.get("nextCursor").asText());
    assertThat(last.get("jobs")).hasSize(1);
    assertThat(last.get("nextCursor").isNull()).isTrue();
  }

  @Test
  void shouldServeHealthAndMetrics() throws Exception {
    assertThat(call("GET", "/health/live", "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "/health/ready", "").statusCode()).isEqualTo(200);
    String metrics = call("GET", "/metrics", "").body();
    for (MetricDefinition metric : MetricDefinitions.coordinator()) {
      assertThat(metrics)
          .contains("# HELP " + metric.name().replace('.', '_'))
          .contains(metric.help());
    }
    assertThat(metrics).contains("tandem_workers 0.0").contains("jvm_memory_used_bytes");
    assertThat(metrics).contains("tandem_coordinator_leader 1.0");
  }

  @Test
  void shouldRefuseEveryCallWithoutTheTokenButHealth() throws Exception {
    JsonNode paths =
        new YAMLMapper().readTree(call("GET", "/openapi.yaml", "").body()).get("paths");
    server.close();
    server =
        CoordinatorServer.start(
            new CoordinatorSettings(directory, "127.0.0.1", 0, "127.0.0.1", 0, "secret"), QUICK);
    int guarded = 0;
    for (var path : paths.properties()) {
      for (var method : path.getValue().properties()) {
        String verb = method.getKey().toUpperCase(Locale.ROOT);
        String target = path.getKey().replace("{id}", "any").replace("{place}", "0");
        boolean open = target.startsWith("/health/");
        for (String given : List.of("", "Bearer ", "Bearer secre", "Bearer secrets", "secret")) {
          String[] headers =
              given.isEmpty() ? new String[0] : new String[] {"Authorization", given};
          HttpResponse<String> answer = call(verb, target, "", headers);
          assertThat(answer.statusCode()).as("%s %s", verb, target).isEqualTo(open ? 200 : 401);
        }
        if (!target.equals("/v1/changes")) { // never ends
          assertThat(call(verb, target, "", "Authorization", "Bearer secret").statusCode())
              .as("%s %s", verb, target)
              .isNotEqualTo(401);
        }
        guarded += open ? 0 : 1;
      }
    }
    assertThat(guarded).isGreaterThanOrEqualTo(14);
    assertThat(call("PATCH", "/anything", "").statusCode()).isEqualTo(401);
    assertThat(announce(10 << 20).status()).isEqualTo(401); // and no byte of it is waited for
  }

  @Test
  void shouldResumeTheEventStreamAfterTheLastEventSeen() throws Exception {
    String id = submit(1, 1);
    assertThat(call("POST", "/v1/jobs/" + id + "/pause", "").statusCode()).isEqualTo(200);
    assertThat(call("POST", "/v1/jobs/" + id + "/resume", "").statusCode()).isEqualTo(200);
    assertThat(call("POST", "/v1/jobs/" + id + "/cancel", "").statusCode()).isEqualTo(200);
    List<Long> whole = streamed(id);
    assertThat(whole).hasSize(4).isSorted();
    for (int seen = 0; seen < whole.size(); seen++) {
      String last = whole.get(seen).toString();
      assertThat(streamed(id, "Last-Event-ID", last))
          .isEqualTo(whole.subList(seen + 1, whole.size()));
    }
    assertThat(json("GET", "/v1/jobs/" + id + "/events?last=2").findValuesAsText("id"))
        .containsExactly(whole.get(2).toString(), whole.get(3).toString());
    assertThat(call("GET", "/v1/jobs/" + id + "/events?last=0", "").statusCode()).isEqualTo(400);
    assertThat(call("GET", "/v1/jobs/" + id + "/events?after=" + whole.get(1), "").body())
        .contains("\"id\":" + whole.get(2))
        .doesNotContain("\"id\":" + whole.get(1) + ",");
    assertThat(
            call(
                    "GET",
                    "/v1/jobs/" + id + "/events",
                    "",
                    "Accept",
                    "text/event-stream",
                    "Last-Event-ID",
                    "x")
                .statusCode())
        .isEqualTo(400);
  }

  private List<Long> streamed(String id, String... headers) throws Exception {
    List<String> all = new ArrayList<>(List.of("Accept", "text/event-stream"));
    all.addAll(List.of(headers));
    return call("GET", "/v1/jobs/" + id + "/events", "", all.toArray(String[]::new))
        .body()
        .lines()
        .filter(line -> line.startsWith("id: "))
        .map(line -> Long.valueOf(line.substring(4)))
        .toList();
  }

  @Test
  void shouldAnswerBombsAndGarbageAndGoOn() throws Exception {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d, *a%d]\n".formatted(i, i, i - 1, i - 1, i - 1));
    }
    for (String body :
        List.of(bomb.toString(), "[".repeat(500_000), "\u0000\u0001", "", "{\"name\": 5")) {
      HttpResponse<String> answer = call("POST", "/v1/jobs", body);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
      JsonNode mistake = JSON.readTree(answer.body()).get("errors").get(0);
      assertThat(mistake.get("given").asText()).isNotBlank();
      assertThat(mistake.get("allowed").asText()).isNotBlank();
    }
    assertThat(json("GET", "/v1/jobs").get("jobs")).isEmpty();
    submit(1, 1);
  }

  @Test
  void shouldDeleteOnlyJobsThatHaveEnded() throws Exception {
    String id = submit(1, 1);
    HttpResponse<String> refused = call("DELETE", "/v1/jobs/" + id, "");
    assertThat(refused.statusCode()).isEqualTo(409);
    assertThat(refused.body()).contains("is QUEUED").contains("cancel it first");
    call("POST", "/v1/jobs/" + id + "/cancel", "");
    assertThat(call("DELETE", "/v1/jobs/" + id, "").statusCode()).isEqualTo(204);
    assertThat(call("GET", "/v1/jobs/" + id, "").statusCode()).isEqualTo(404);
    assertThat(call("DELETE", "/v1/jobs/" + id, "").statusCode()).isEqualTo(404);
  }
}
