package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Heartbeat;
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
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Workers that are lost, leave, or are refused, and attempts that fail: what becomes of the job.
 */
class RecoveryTest extends RunningCoordinator {
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
  void shouldFreeTheSlotsOfAWorkerThatHangsWhenItsJobHasSucceeded() throws Exception {
    try (FakeWorker first = new FakeWorker(server.controlPort(), "a", 1);
        FakeWorker hung = new FakeWorker(server.controlPort(), "b", 1)) {
      first.send(first.registration().build());
      hung.send(hung.registration().build());
      first.expect(Registered.class);
      hung.expect(Registered.class);
      String id = submit(1, 2);
      StartAttempt start = first.expect(StartAttempt.class);
      hung.expect(StartAttempt.class);
      first.endsRunning(FakeWorker.running(start));
      first.report(start, ended(Outcome.COMPLETED, "/m/student.safetensors"));
      awaitState(id, "SUCCEEDED");
      assertThat(hung.expectStop().getMode()).isEqualTo(StopMode.ABANDON);
      awaitState(id, "SUCCEEDED");
      assertThat(call("DELETE", "/v1/jobs/" + id, "").statusCode()).isEqualTo(204);
      String next = submit(1, 2);
      hung.endsRunning(FakeWorker.running(start));
      assertThat(hung.expect(StartAttempt.class).getJobId()).isEqualTo(next);
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
  void shouldHearOfAWorkerThatLeavesFromItsHeartbeat() throws Exception {
    try (FakeWorker leaves = new FakeWorker(server.controlPort(), "a", 1)) {
      leaves.send(leaves.registration().build());
      submit(1, 1);
      leaves.expect(StartAttempt.class);
      leaves.send(Heartbeat.newBuilder().setWorkerId("a").setLeaving(true).build());
      assertThat(leaves.expectStop().getMode()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
    }
  }
}
