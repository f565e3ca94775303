package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.coordinator.store.StoreInUseException;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopMode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoordinatorServerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JobTiming QUICK =
      new JobTiming(
          Duration.ofMillis(200),
          Duration.ofSeconds(4),
          Duration.ofSeconds(6),
          Duration.ofMillis(100));

  @TempDir Path directory;
  private CoordinatorServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void start() {
    server = CoordinatorServer.start(CoordinatorSettings.embedded(directory), QUICK);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpResponse<String> call(String method, String path, String body, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.restPort() + path))
            .timeout(Duration.ofSeconds(20))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode json(String method, String path) throws Exception {
    return JSON.readTree(call(method, path, "").body());
  }

  private String submit(int replicas, int shards) throws Exception {
    HttpResponse<String> answer = call("POST", "/v1/jobs", TestJobs.yaml(replicas, shards));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    return JSON.readTree(answer.body()).get("id").asText();
  }

  private void awaitState(String id, String state) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(json("GET", "/v1/jobs/" + id).get("state").asText()).isEqualTo(state));
  }

  private static Report.Builder started() {
    return Report.newBuilder().setStarted(AttemptStarted.getDefaultInstance());
  }

  private static Report.Builder ended(Outcome outcome, String model) {
    return Report.newBuilder()
        .setEnded(AttemptEnded.newBuilder().setOutcome(outcome).setModelPath(model));
  }

  @Test
  void shouldFollowAJobToItsEnd() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 2)) {
      String id = submit(1, 2);
      assertThat(json("GET", "/v1/jobs/" + id).get("missing").asText())
          .isEqualTo("replicas 1 x shards 2 = 2 ranks, but 0 slots are registered");

      worker.send(worker.registration().build());
      worker.expect(Registered.class);
      StartAttempt start = worker.expect(StartAttempt.class);
      assertThat(start.getMembersCount()).isEqualTo(2);
      assertThat(start.getJob().toStringUtf8()).contains("\"mesh\"");

      worker.report(start, started());
      awaitState(id, "RUNNING");
      worker.report(
          start,
          Report.newBuilder()
              .setProgress(
                  Progress.newBuilder()
                      .setStep(5)
                      .setTotalSteps(10)
                      .setStepsPerSecond(2)
                      .putValues("loss", 0.25)));
      worker.report(
          start,
          Report.newBuilder()
              .setCheckpoint(CheckpointCommitted.newBuilder().setStep(5).setPath("/c/5")));
      Path model = Files.writeString(directory.resolve("student.safetensors"), "weights");
      worker.report(start, ended(Outcome.COMPLETED, model.toString()));
      awaitState(id, "SUCCEEDED");
      assertThat(worker.expect(Acknowledged.class).getUpToSequence()).isPositive();

      JsonNode job = json("GET", "/v1/jobs/" + id);
      assertThat(job.get("reason").asText()).isEqualTo("COMPLETED");
      assertThat(job.get("values").get("loss").asDouble()).isEqualTo(0.25);
      assertThat(job.get("checkpointStep").asInt()).isEqualTo(5);
      assertThat(call("GET", "/v1/jobs/" + id + "/model", "").body()).isEqualTo("weights");
      assertThat(json("GET", "/v1/jobs/" + id + "/metrics?name=loss").get("metrics")).hasSize(1);
      assertThat(json("GET", "/v1/jobs/" + id + "/checkpoints").get("checkpoints")).hasSize(1);
      assertThat(json("GET", "/v1/jobs?state=succeeded").get("jobs")).hasSize(1);

      String stream =
          call("GET", "/v1/jobs/" + id + "/events?progress=true", "", "Accept", "text/event-stream")
              .body();
      assertThat(stream).contains("event: state").contains("SUCCEEDED").contains("event: progress");
      assertThat(call("DELETE", "/v1/jobs/" + id, "").statusCode()).isEqualTo(204);
      assertThat(call("GET", "/v1/jobs/" + id, "").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void shouldPlaceAgainFromTheCheckpointWhenAWorkerIsLost() throws Exception {
    try (FakeWorker lost = new FakeWorker(server.controlPort(), "a", 1);
        FakeWorker kept = new FakeWorker(server.controlPort(), "b", 2)) {
      lost.send(lost.registration().build());
      kept.send(kept.registration().build());
      lost.expect(Registered.class);
      kept.expect(Registered.class);
      String id = submit(1, 3);
      StartAttempt start = kept.expect(StartAttempt.class);
      kept.report(start, started());
      kept.report(
          start,
          Report.newBuilder()
              .setCheckpoint(CheckpointCommitted.newBuilder().setStep(9).setPath("/c/9")));
      lost.hang();
      awaitState(id, "RECOVERING");
      assertThat(kept.expectStop().getMode()).isEqualTo(StopMode.ABANDON);
      kept.report(start, ended(Outcome.STOPPED, ""));
      try (FakeWorker fresh = new FakeWorker(server.controlPort(), "c", 1)) {
        fresh.send(fresh.registration().build());
        StartAttempt again = fresh.expect(StartAttempt.class);
        assertThat(again.getAttempt()).isEqualTo(2);
        assertThat(again.getCheckpointsList()).containsExactly("/c/9");
      }
    }
  }

  @Test
  void shouldTakeUpARunningAttemptAfterARestart() throws Exception {
    String id;
    RunningAttempt running;
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      worker.send(worker.registration().build());
      id = submit(1, 1);
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      awaitState(id, "RUNNING");
      running = FakeWorker.running(start);
      server.close();
    }
    server = CoordinatorServer.start(CoordinatorSettings.embedded(directory), QUICK);
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      worker.send(worker.registration(running).build());
      worker.expect(Registered.class);
      await()
          .during(Duration.ofSeconds(7))
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () ->
                  assertThat(json("GET", "/v1/jobs/" + id).get("state").asText())
                      .isEqualTo("RUNNING"));
      assertThat(call("POST", "/v1/jobs/" + id + "/cancel", "").statusCode()).isEqualTo(200);
      assertThat(worker.expectStop().getMode()).isEqualTo(StopMode.CANCEL);
    }
  }

  @Test
  void shouldRefuseAWorkerOfAnotherProtocolVersion() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "old-worker", 1)) {
      worker.send(worker.registration().setProtocolVersion(99).build());
      assertThat(worker.expect(Refused.class).getReason()).contains("old-worker").contains("99");
    }
    assertThat(json("GET", "/v1/workers").get("workers")).isEmpty();
  }

  @Test
  void shouldRefuseASecondCoordinatorOnTheStore() {
    assertThatThrownBy(() -> CoordinatorServer.start(CoordinatorSettings.embedded(directory)))
        .isInstanceOf(StoreInUseException.class)
        .hasMessageContaining("directory of its own");
  }

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
  void shouldGuardEveryVerbByTheToken() throws Exception {
    server.close();
    server =
        CoordinatorServer.start(
            new CoordinatorSettings(directory, "127.0.0.1", 0, "127.0.0.1", 0, "secret"), QUICK);
    assertThat(call("GET", "/v1/jobs", "").statusCode()).isEqualTo(401);
    assertThat(call("POST", "/v1/jobs", TestJobs.yaml(1, 1)).statusCode()).isEqualTo(401);
    assertThat(call("DELETE", "/v1/jobs/x", "", "Authorization", "Bearer wrong").statusCode())
        .isEqualTo(401);
    assertThat(call("GET", "/v1/jobs", "", "Authorization", "Bearer secret").statusCode())
        .isEqualTo(200);
    assertThat(call("GET", "/health/live", "").statusCode()).isEqualTo(200);
  }

  @Test
  void shouldServeHealthAndMetrics() throws Exception {
    assertThat(call("GET", "/health/live", "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "/health/ready", "").statusCode()).isEqualTo(200);
    assertThat(call("GET", "/metrics", "").body()).contains("tandem_workers 0.0");
  }
}
