package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.coordinator.store.StoreInUseException;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopMode;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Jobs from their submission to their end, and coordinators that start again. */
class CoordinatorServerTest extends RunningCoordinator {
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
  void shouldSayWhereAModelLiesThatItCannotRead() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      String id = submit(1, 1);
      worker.send(worker.registration().build());
      worker.expect(Registered.class);
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      awaitState(id, "RUNNING");
      // No file system here knows it: the program brings one.
      worker.report(start, ended(Outcome.COMPLETED, "s3://bucket/j/student.safetensors"));
      awaitState(id, "SUCCEEDED");
      var answer = call("GET", "/v1/jobs/" + id + "/model", "");
      assertThat(answer.statusCode()).isEqualTo(404);
      assertThat(answer.body())
          .contains("s3://bucket/j/student.safetensors", "give it the object store's credentials");
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
  void shouldRefuseASecondCoordinatorOnTheStore() {
    assertThatThrownBy(() -> CoordinatorServer.start(CoordinatorSettings.embedded(directory)))
        .isInstanceOf(StoreInUseException.class)
        .hasMessageContaining("directory of its own");
  }

  @Test
  void shouldGoOnOnAnotherMeshFromTheLastCheckpoint() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 2)) {
      worker.send(worker.registration().build());
      String id = submit(1, 2);
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      awaitState(id, "RUNNING");
      assertThat(call("POST", "/v1/jobs/" + id + "/pause", "").statusCode()).isEqualTo(200);
      assertThat(worker.expectStop().getMode()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
      worker.report(start, checkpoint(7, "/c/7"));
      worker.report(start, ended(Outcome.STOPPED, ""));
      awaitState(id, "PAUSED");
      String resume = "/v1/jobs/" + id + "/resume";
      assertThat(call("POST", resume, "{\"mesh\":{\"replicas\":0,\"shard\":1}}").body())
          .contains("mesh.shards");
      assertThat(call("POST", resume, "{\"mesh\":{\"replicas\":13,\"shards\":1}}").body())
          .contains("training.labeledBatch");
      assertThat(call("POST", resume, "[]").statusCode()).isEqualTo(400);
      assertThat(call("POST", resume, "{").statusCode()).isEqualTo(400);
      assertThat(json("GET", "/v1/jobs/" + id).get("state").asText()).isEqualTo("PAUSED");
      HttpResponse<String> answer =
          call("POST", resume, "{\"mesh\":{\"replicas\":2,\"shards\":1}}");
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      StartAttempt again = worker.expect(StartAttempt.class);
      assertThat(again.getAttempt()).isEqualTo(2);
      assertThat(again.getReplicas()).isEqualTo(2);
      assertThat(again.getShards()).isEqualTo(1);
      assertThat(again.getJob().toStringUtf8()).contains("\"replicas\":2,\"shards\":1");
      assertThat(again.getCheckpointsList()).containsExactly("/c/7");
      JsonNode mesh = json("GET", "/v1/jobs/" + id).get("mesh");
      assertThat(mesh.get("replicas").asInt()).isEqualTo(2);
      assertThat(call("POST", resume, "").statusCode()).isEqualTo(409);
    }
  }

  @Test
  void shouldRunJobsSideBySideAndOneAfterAnother() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 2)) {
      worker.send(worker.registration().build());
      List<String> ids = List.of(submit(1, 1), submit(1, 1), submit(1, 2));
      StartAttempt first = worker.expect(StartAttempt.class);
      StartAttempt second = worker.expect(StartAttempt.class);
      assertThat(List.of(first.getJobId(), second.getJobId())).isEqualTo(ids.subList(0, 2));
      worker.report(first, ended(Outcome.COMPLETED, "/m"));
      awaitState(ids.get(0), "SUCCEEDED");
      assertThat(json("GET", "/v1/jobs/" + ids.get(2)).get("missing").asText())
          .isEqualTo("replicas 1 x shards 2 = 2 ranks, but 1 slot is free");
      worker.report(second, ended(Outcome.COMPLETED, "/m"));
      StartAttempt third = worker.expect(StartAttempt.class);
      assertThat(third.getJobId()).isEqualTo(ids.get(2));
    }
  }
}
