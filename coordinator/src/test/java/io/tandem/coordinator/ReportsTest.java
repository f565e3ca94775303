package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.StartAttempt;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What workers report of a job, as people get to read it. */
class ReportsTest extends RunningCoordinator {
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

  @Test
  void shouldGoOnPlacingWhereAReportCannotBeStored() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "a", 2)) {
      worker.send(worker.registration().build());
      String id = submit(1, 1);
      StartAttempt start = worker.expect(StartAttempt.class);
      Sample twice = Sample.newBuilder().setPlace(1).build();
      worker.report(
          start,
          Report.newBuilder()
              .setEvaluated(Evaluated.newBuilder().addSamples(twice).addSamples(twice)));
      assertThat(worker.expect(Acknowledged.class).getUpToSequence()).isEqualTo(1);
      String other = submit(1, 1);
      assertThat(worker.expect(StartAttempt.class).getJobId()).isEqualTo(other);
      JsonNode events = json("GET", "/v1/jobs/" + id + "/events").get("events");
      JsonNode notice = events.get(events.size() - 1);
      assertThat(notice.get("type").asText()).isEqualTo("notice");
      assertThat(notice.toString()).contains("REPORT_REFUSED", "worker a", id);
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
}
