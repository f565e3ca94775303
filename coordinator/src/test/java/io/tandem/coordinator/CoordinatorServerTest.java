package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.coordinator.store.StoreInUseException;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinitions;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Jobs and workers: what workers are told, and what becomes of the job. */
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
  void shouldTellGoodputAndHowLongAFailureTook() throws Exception {
    try (FakeWorker lost = new FakeWorker(server.controlPort(), "a", 1);
        FakeWorker kept = new FakeWorker(server.controlPort(), "b", 2)) {
      lost.send(lost.registration().build());
      kept.send(kept.registration().build());
      lost.expect(Registered.class);
      kept.expect(Registered.class);
      String id = submit(1, 3);
      assertThat(json("GET", "/v1/jobs/" + id).get("trainedSeconds").asDouble()).isZero();
      StartAttempt start = kept.expect(StartAttempt.class);
      lost.report(start, started());
      kept.report(start, started());
      awaitState(id, "RUNNING");
      kept.report(
          start,
          Report.newBuilder()
              .setCheckpoint(
                  CheckpointCommitted.newBuilder()
                      .setStep(9)
                      .setPath("/c/9")
                      .setTrainedSeconds(0.25)));
      lost.hang();
      awaitState(id, "RECOVERING");
      kept.report(start, ended(Outcome.STOPPED, ""));
      try (FakeWorker fresh = new FakeWorker(server.controlPort(), "c", 1)) {
        fresh.send(fresh.registration().build());
        StartAttempt again = fresh.expect(StartAttempt.class);
        for (FakeWorker worker : List.of(fresh, kept)) {
          worker.report(
              again,
              Report.newBuilder()
                  .setStarted(AttemptStarted.newBuilder().setStep(9).setTrainedSeconds(0.25)));
        }
        fresh.report(again, Report.newBuilder().setProgress(Progress.newBuilder().setStep(10)));
        await()
            .atMost(Duration.ofSeconds(20))
            .untilAsserted(() -> assertThat(data(id, "recovery")).isNotNull());
      }
      assertThat(data(id, "failure").get("detectionSeconds").asDouble()).isBetween(4.0, 8.0);
      assertThat(data(id, "recovery").get("recoverySeconds").asDouble()).isBetween(0.0, 20.0);
      assertThat(data(id, "recovery").get("failedAttempt").asInt()).isEqualTo(1);
      JsonNode job = json("GET", "/v1/jobs/" + id);
      double placed = job.get("placedSeconds").asDouble();
      assertThat(placed).isGreaterThan(4);
      assertThat(job.get("trainedSeconds").asDouble()).isEqualTo(0.25);
      assertThat(job.get("goodput").asDouble()).isEqualTo(0.25 / placed);
      assertThat(job.get("failures").asInt()).isEqualTo(1);
      String metrics = call("GET", "/metrics", "").body();
      String of = "{job_id=\"" + id + "\"} ";
      assertThat(metrics)
          .contains("tandem_job_failures_total" + of + "1.0")
          .contains("tandem_job_recovered_total" + of + "1.0")
          .contains("tandem_job_ranks" + of + "3.0")
          .containsPattern("tandem_job_goodput.*" + id + ".* 0\\.0");
      for (MetricDefinition metric : MetricDefinitions.jobs()) {
        assertThat(metrics).contains(metric.prometheusName() + "{");
      }
      call("POST", "/v1/jobs/" + id + "/cancel", "");
      StartAttempt second = StartAttempt.newBuilder().setJobId(id).setAttempt(2).build();
      kept.report(second, ended(Outcome.STOPPED, ""));
      server.close();
      server = CoordinatorServer.start(CoordinatorSettings.embedded(directory), QUICK);
      awaitState(id, "CANCELLED");
      assertThat(call("GET", "/metrics", "").body()).doesNotContain(id);
      assertThat(json("GET", "/v1/jobs/" + id).get("failures").asInt()).isEqualTo(1);
    }
  }

  private JsonNode data(String id, String type) throws Exception {
    for (JsonNode event : json("GET", "/v1/jobs/" + id + "/events").get("events")) {
      if (event.get("type").asText().equals(type)) {
        return event.get("data");
      }
    }
    return null;
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
    int ours = ProtocolVersion.PROTOCOL_VERSION;
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "old-worker", 1)) {
      worker.send(worker.registration().setProtocolVersion(ours - 1).setVersion("0.0.9").build());
      assertThat(worker.expect(Refused.class).getReason())
          .contains("worker old-worker is of release 0.0.9 (protocol %d)".formatted(ours - 1))
          .contains("coordinator of %s (protocol %d)".formatted(ProtocolVersion.release(), ours))
          .endsWith("start the older one, the worker, from the other's release and image");
    }
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "new-worker", 1)) {
      worker.send(worker.registration().setProtocolVersion(ours + 1).setVersion("9.0.0").build());
      assertThat(worker.expect(Refused.class).getReason())
          .contains("release 9.0.0", "the older one, the coordinator");
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
  void shouldForgetCheckpointsThatWerePrunedAndKeepLogs() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      worker.send(worker.registration().build());
      String id = submit(1, 1);
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, checkpoint(1, "/c/1"));
      worker.report(start, checkpoint(2, "/c/2", "/c/1"));
      worker.report(
          start,
          Report.newBuilder().setLog(LogLines.newBuilder().addLines("first").addLines("second")));
      worker.report(start, ended(Outcome.FAILED_FINAL, ""));
      awaitState(id, "FAILED");
      JsonNode checkpoints = json("GET", "/v1/jobs/" + id + "/checkpoints").get("checkpoints");
      assertThat(checkpoints).hasSize(1);
      assertThat(checkpoints.get(0).get("path").asText()).isEqualTo("/c/2");
      JsonNode logs = json("GET", "/v1/jobs/" + id + "/logs").get("logs");
      assertThat(logs).hasSize(2);
      assertThat(logs.get(1).get("line").asText()).isEqualTo("second");
      assertThat(logs.get(1).get("worker").asText()).isEqualTo("w1");
      long first = logs.get(0).get("id").asLong();
      assertThat(json("GET", "/v1/jobs/" + id + "/logs?after=" + first).get("logs")).hasSize(1);
    }
  }

  @Test
  void shouldWaitLongerAndLongerBetweenAttemptsThatFailAtOnce() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      worker.send(worker.registration().build());
      String id = submit(1, 1);
      for (int attempt = 1; attempt <= 3; attempt++) {
        StartAttempt start = worker.expect(StartAttempt.class);
        assertThat(start.getAttempt()).isEqualTo(attempt);
        worker.report(start, ended(Outcome.FAILED_RETRYABLE, ""));
      }
      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () ->
                  assertThat(json("GET", "/v1/jobs/" + id).path("missing").asText())
                      .startsWith("attempts end soon after their start"));
      assertThat(worker.expect(StartAttempt.class).getAttempt()).isEqualTo(4);
      assertThat(call("GET", "/metrics", "").body()).contains("tandem_recoveries_total 3.0");
    }
  }

  @Test
  void shouldPlaceNothingOnSlotsThatAnAttemptLongOverStillHolds() throws Exception {
    RunningAttempt old =
        RunningAttempt.newBuilder().setJobId("gone").setAttempt(3).addRanks(0).build();
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      worker.send(worker.registration(old).build());
      assertThat(worker.expectStop().getJobId()).isEqualTo("gone");
      String id = submit(1, 1);
      assertThat(json("GET", "/v1/jobs/" + id).get("missing").asText())
          .isEqualTo("replicas 1 x shards 1 = 1 ranks, but 0 slots are free");
      worker.endsRunning(old);
      assertThat(worker.expect(StartAttempt.class).getJobId()).isEqualTo(id);
    }
  }

  @Test
  void shouldPlaceNothingOnAWorkerThatLeavesAndCountNoRestart() throws Exception {
    try (FakeWorker leaves = new FakeWorker(server.controlPort(), "a", 1)) {
      leaves.send(leaves.registration().build());
      String id = submit(1, 1);
      StartAttempt start = leaves.expect(StartAttempt.class);
      leaves.send(leaves.registration().setLeaving(true).build()); // what it said first was lost
      assertThat(leaves.expectStop().getMode()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
      leaves.report(start, ended(Outcome.STOPPED, ""));
      awaitState(id, "RECOVERING");
      JsonNode worker = json("GET", "/v1/workers").get("workers").get(0);
      assertThat(worker.get("leaving").asBoolean()).isTrue();
      JsonNode job = json("GET", "/v1/jobs/" + id);
      assertThat(job.get("restarts").asInt()).isZero();
      assertThat(job.get("missing").asText()).contains("0 slots are registered");
    }
  }

  @Test
  void shouldShowTheProgressOfTheAttemptThatRunsNow() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "a", 1)) {
      worker.send(worker.registration().build());
      String id = submit(1, 1);
      StartAttempt first = worker.expect(StartAttempt.class);
      worker.report(first, ended(Outcome.FAILED_RETRYABLE, ""));
      StartAttempt second = worker.expect(StartAttempt.class);
      worker.report(second, progress(3, Map.of("loss", 0.5)));
      worker.report(first, progress(99, Map.of("loss", 9.0)));
      worker.report(second, started());
      awaitState(id, "RUNNING");
      JsonNode job = json("GET", "/v1/jobs/" + id);
      assertThat(job.get("step").asInt()).isEqualTo(3);
      assertThat(job.get("values").get("loss").asDouble()).isEqualTo(0.5);
      assertThat(json("GET", "/v1/jobs/" + id + "/metrics?name=loss").get("metrics")).hasSize(2);
    }
  }

  private static Report.Builder progress(int step, Map<String, Double> values) {
    return Report.newBuilder()
        .setProgress(Progress.newBuilder().setStep(step).putAllValues(values));
  }

  @Test
  void shouldServeLongSeriesPieceByPiece() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "a", 1)) {
      worker.send(worker.registration().build());
      String id = submit(1, 1);
      StartAttempt start = worker.expect(StartAttempt.class);
      Map<String, Double> many = new TreeMap<>();
      IntStream.range(0, 398).forEach(i -> many.put("v" + i, 0.5)); // and two rates
      for (int step = 1; step <= 4; step++) {
        worker.report(start, progress(step, many));
      }
      worker.report(start, started());
      awaitState(id, "RUNNING");
      String path = "/v1/jobs/" + id + "/metrics";
      assertThat(json("GET", path).get("nextFrom").isNull()).isTrue();
      List<JsonNode> points = new ArrayList<>();
      long from = 0;
      for (int page = 0; page < 2; page++) {
        JsonNode body = json("GET", path + "?limit=1000&from=" + from);
        assertThat(body.get("metrics")).hasSize(800);
        body.get("metrics").forEach(points::add);
        from = body.get("nextFrom").asLong();
      }
      assertThat(points).hasSize(1600).doesNotHaveDuplicates();
      assertThat(from).as("the last page").isZero();
    }
  }

  @Test
  void shouldHearOfAWorkerThatLeavesFromItsHeartbeat() throws Exception {
    try (FakeWorker leaves = new FakeWorker(server.controlPort(), "a", 1)) {
      leaves.send(leaves.registration().build());
      submit(1, 1);
      leaves.expect(StartAttempt.class);
      leaves.send(Heartbeat.newBuilder().setWorkerId("a").setLeaving(true).build());
      assertThat(leaves.expectStop().getMode()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
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
