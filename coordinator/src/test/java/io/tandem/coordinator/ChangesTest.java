package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Opinion;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.RankTime;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.SampleLimits;
import io.tandem.protocol.control.StartAttempt;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What the web page lives on: changes of everything, and a job's curves. */
class ChangesTest extends RunningCoordinator {
  /** Reads events as they come; gives up after a while. */
  private final class Changes implements AutoCloseable {
    private final Socket socket = new Socket("127.0.0.1", server.restPort());
    private final BufferedReader lines;

    Changes() throws IOException {
      socket.setSoTimeout((int) Duration.ofSeconds(20).toMillis());
      String request = "GET /v1/changes HTTP/1.1\r\nHost: localhost\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    JsonNode await(String type, Predicate<JsonNode> wanted) throws IOException {
      String line;
      boolean mine = false;
      while ((line = lines.readLine()) != null) {
        if (line.startsWith("event: ")) {
          mine = line.equals("event: " + type);
        } else if (mine && line.startsWith("data: ")) {
          JsonNode data = JSON.readTree(line.substring(6));
          if (wanted.test(data)) {
            return data;
          }
        }
      }
      throw new AssertionError("the stream ended before " + type);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @Test
  void shouldTellJobsAndWorkersAsTheyChange() throws Exception {
    try (Changes changes = new Changes();
        FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      changes.await("totals", totals -> totals.get("workers").asInt() == 0);
      String id = submit(1, 1);
      JsonNode queued = changes.await("job", job -> job.get("id").asText().equals(id));
      assertThat(queued.get("missing").asText()).contains("0 slots are registered");
      worker.send(worker.registration().build());
      worker.expect(Registered.class);
      StartAttempt start = worker.expect(StartAttempt.class);
      assertThat(changes.await("worker", node -> true).has("heartbeatAt")).isFalse();
      worker.report(start, started());
      changes.await("job", job -> job.get("state").asText().equals("RUNNING"));
      worker.report(start, progress(1, 0.5));
      changes.await("job", job -> job.get("step").asInt() == 1);
      worker.hang();
      assertThat(changes.await("worker-gone", gone -> true).get("id").asText()).isEqualTo("w1");
    }
  }

  private static Report.Builder progress(long step, double loss) {
    return Report.newBuilder()
        .setProgress(Progress.newBuilder().setStep(step).setTotalSteps(10).putValues("loss", loss));
  }

  @Test
  void shouldShowTheImagesOfTheLastEvaluation() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      String id = submit(1, 1);
      worker.send(worker.registration().build());
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      Evaluated.Builder first = Evaluated.newBuilder().setStep(5);
      for (int place = 0; place < SampleLimits.MOST + 3; place++) {
        first.addSamples(sample(place, "first").setTeacher(opinion(2, 0.5)));
      }
      worker.report(start, Report.newBuilder().setEvaluated(first));
      String path = "/v1/jobs/" + id + "/samples";
      org.awaitility.Awaitility.await()
          .untilAsserted(() -> assertThat(json("GET", path).get("samples")).hasSize(8));
      JsonNode shown = json("GET", path).get("samples").get(7);
      assertThat(shown.get("place").asInt()).isEqualTo(7);
      assertThat(shown.get("step").asInt()).isEqualTo(5);
      assertThat(shown.get("teacher").toString()).isEqualTo("{\"label\":2,\"probability\":0.5}");
      assertThat(shown.get("student").get("label").asInt()).isEqualTo(1);
      HttpResponse<String> image = call("GET", shown.get("image").asText(), "");
      assertThat(image.headers().firstValue("Content-Type")).hasValue("image/png");
      assertThat(image.body()).endsWith("PNGfirst");
      assertThat(call("GET", path + "/8", "").statusCode()).isEqualTo(404);
      assertThat(call("GET", path + "/x", "").statusCode()).isEqualTo(404);

      Evaluated.Builder second = Evaluated.newBuilder().setStep(9);
      second.addSamples(sample(3, "x".repeat(SampleLimits.IMAGE_BYTES)));
      second.addSamples(sample(4, "second"));
      worker.report(start, Report.newBuilder().setEvaluated(second));
      org.awaitility.Awaitility.await()
          .untilAsserted(() -> assertThat(json("GET", path).get("samples")).hasSize(1));
      assertThat(json("GET", path).get("samples").get(0).get("teacher").isNull()).isTrue();
      assertThat(call("GET", path + "/4", "").body()).endsWith("PNGsecond");
    }
  }

  @Test
  void shouldTellHowLongEachRankTakes() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 2)) {
      String id = submit(1, 2);
      worker.send(worker.registration().build());
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      String path = "/v1/jobs/" + id + "/ranks";
      assertThat(json("GET", path).get("ranks")).isEmpty();
      RankTime.Builder waits = RankTime.newBuilder().setRank(1).setStepSeconds(0.5);
      worker.says(running(start, 1, waits.setWaitSeconds(0.25).setWaitsFor(0)));
      worker.says(
          running(start, 2, RankTime.newBuilder().setRank(0))); // of no attempt that is known
      org.awaitility.Awaitility.await()
          .untilAsserted(() -> assertThat(json("GET", path).get("ranks")).hasSize(1));
      JsonNode rank = json("GET", path).get("ranks").get(0);
      assertThat(rank.toString())
          .isEqualTo(
              "{\"rank\":1,\"worker\":\"w1\",\"stepSeconds\":0.5,"
                  + "\"waitSeconds\":0.25,\"waitsFor\":0}");
      assertThat(call("GET", "/v1/jobs/nobody/ranks", "").statusCode()).isEqualTo(404);
    }
  }

  private static RunningAttempt running(StartAttempt start, int attempt, RankTime.Builder time) {
    return FakeWorker.running(start).toBuilder().setAttempt(attempt).addTimes(time).build();
  }

  private static Sample.Builder sample(int place, String image) {
    ByteString bytes =
        ByteString.copyFrom(new byte[] {(byte) 0x89})
            .concat(ByteString.copyFromUtf8("PNG" + image));
    return Sample.newBuilder().setPlace(place).setImage(bytes).setStudent(opinion(1, 0.75));
  }

  private static Opinion opinion(int label, double probability) {
    return Opinion.newBuilder().setLabel(label).setProbability(probability).build();
  }

  @Test
  void shouldTellCurvesForDrawing() throws Exception {
    try (FakeWorker worker = new FakeWorker(server.controlPort(), "w1", 1)) {
      String id = submit(1, 1);
      worker.send(worker.registration().build());
      StartAttempt start = worker.expect(StartAttempt.class);
      worker.report(start, started());
      for (int step = 1; step <= 10; step++) {
        worker.report(start, progress(step, step));
      }
      Evaluated evaluated =
          Evaluated.newBuilder()
              .setStep(10)
              .putValues("accuracy.test", Double.NaN)
              .addSamples(Sample.newBuilder().setPlace(7).setStudent(opinion(1, Double.NaN)))
              .build();
      worker.report(start, Report.newBuilder().setEvaluated(evaluated));
      worker.report(start, checkpoint(10, "/c/10"));
      org.awaitility.Awaitility.await()
          .until(() -> json("GET", "/v1/jobs/" + id).get("checkpointStep").asInt() == 10);

      JsonNode body = json("GET", "/v1/jobs/" + id + "/curves?points=2");
      JsonNode loss = body.get("curves").get("loss");
      assertThat(loss.get("step").toString()).isEqualTo("[5,10]");
      assertThat(loss.get("value").toString()).isEqualTo("[3.0,8.0]");
      assertThat(loss.get("attempt").toString()).isEqualTo("[1,1]");
      assertThat(body.get("curves").get("accuracy.test").get("value").get(0).isNull()).isTrue();
      String after = String.valueOf(body.get("newest").asLong() + 1);
      assertThat(json("GET", "/v1/jobs/" + id + "/metrics?from=" + after).get("metrics")).isEmpty();
      assertThat(call("GET", "/v1/jobs/" + id + "/curves?points=0", "").statusCode())
          .isEqualTo(400);
    }
  }
}
