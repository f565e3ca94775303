package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Report;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A coordinator with its store, for tests that call it over REST. */
abstract class RunningCoordinator {
  static final ObjectMapper JSON = new ObjectMapper();
  static final JobTiming QUICK =
      new JobTiming(
          Duration.ofMillis(200),
          Duration.ofSeconds(4),
          Duration.ofSeconds(6),
          Duration.ofMillis(100),
          Duration.ofSeconds(3));

  @TempDir Path directory;
  CoordinatorServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void start() {
    server = CoordinatorServer.start(CoordinatorSettings.embedded(directory), QUICK);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  HttpResponse<String> call(String method, String path, String body, String... headers)
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

  JsonNode json(String method, String path) throws Exception {
    return JSON.readTree(call(method, path, "").body());
  }

  String submit(int replicas, int shards) throws Exception {
    return submit(TestJobs.yaml(replicas, shards));
  }

  String submit(String job) throws Exception {
    HttpResponse<String> answer = call("POST", "/v1/jobs", job);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    return JSON.readTree(answer.body()).get("id").asText();
  }

  void awaitState(String id, String state) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(json("GET", "/v1/jobs/" + id).get("state").asText()).isEqualTo(state));
  }

  static Report.Builder started() {
    return Report.newBuilder().setStarted(AttemptStarted.getDefaultInstance());
  }

  static Report.Builder ended(Outcome outcome, String model) {
    return Report.newBuilder()
        .setEnded(AttemptEnded.newBuilder().setOutcome(outcome).setModelPath(model));
  }

  static Report.Builder checkpoint(long step, String path, String... pruned) {
    return Report.newBuilder()
        .setCheckpoint(
            CheckpointCommitted.newBuilder()
                .setStep(step)
                .setPath(path)
                .addAllPruned(List.of(pruned)));
  }
}
