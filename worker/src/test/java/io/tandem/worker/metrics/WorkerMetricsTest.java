package io.tandem.worker.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import io.tandem.protocol.metrics.Meters;
import io.tandem.worker.collective.Collective;
import io.tandem.worker.collective.CollectiveListener;
import io.tandem.worker.fabric.FabricCounters;
import io.tandem.worker.fabric.Transport;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptPlan;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkerMetricsTest {
  private final Meters meters = new Meters();
  private final WorkerMetrics metrics = new WorkerMetrics(meters);
  private final List<Object> passedOn = new ArrayList<>();

  @AfterEach
  void close() {
    meters.close();
  }

  /** The listener that a started attempt would call. */
  private AttemptListener listener(String job) {
    var given = new AttemptListener[1];
    var roster =
        new Roster(job, 1, new Mesh(1, 1), List.of(new Member(0, "w", "localhost", 1, "d")));
    var plan = new AttemptPlan(roster, "w", null, List.of(), Path.of("x"), null, "localhost", 1, 1);
    var next =
        (AttemptListener)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {AttemptListener.class},
                (proxy, method, arguments) -> {
                  if (method.getReturnType() == CollectiveListener.class) {
                    return CollectiveListener.NONE;
                  }
                  passedOn.add(arguments[0]);
                  return null;
                });
    metrics
        .around(
            (p, l) -> {
              given[0] = l;
              return null;
            })
        .start(plan, next);
    return given[0];
  }

  @Test
  void shouldMeasureAnAttemptAndPassEverythingOn() {
    var listener = listener("job-1");
    listener.started(AttemptStarted.newBuilder().setStep(100).build());
    for (int step : new int[] {110, 130}) {
      listener.progress(
          Progress.newBuilder()
              .setStep(step)
              .setStepsPerSecond(2)
              .setImagesPerSecond(320)
              .putValues("studentLoss", 0.25)
              .putValues("learningRate", 0.05)
              .putValues("feedback", -0.5)
              .putPhaseSeconds("forward", 0.125)
              .build());
    }
    listener.evaluated(Evaluated.newBuilder().putValues("testAccuracy", 0.75).build());
    listener.checkpoint(CheckpointCommitted.newBuilder().setBytes(4096).setSeconds(1.5).build());
    listener.notice(Notice.newBuilder().setCode("BROKEN_IMAGE").build());
    listener.ended(AttemptEnded.newBuilder().setOutcome(Outcome.COMPLETED).build());
    assertThat(passedOn).hasSize(7);
    assertThat(meters.scrape())
        .contains("tandem_step{job=\"job-1\"} 130.0")
        .contains("tandem_steps_total{job=\"job-1\"} 30.0")
        .contains("tandem_images_total{job=\"job-1\"} 4800.0")
        .contains("tandem_step_phase_seconds_total{job=\"job-1\",phase=\"forward\"} 3.75")
        .contains("tandem_loss{job=\"job-1\",loss=\"studentLoss\"} 0.25")
        .contains("tandem_training_value{job=\"job-1\",name=\"learningRate\"} 0.05")
        .contains("tandem_feedback{feedback=\"feedback\",job=\"job-1\"} -0.5")
        .contains("tandem_accuracy{accuracy=\"testAccuracy\",job=\"job-1\"} 0.75")
        .contains("tandem_checkpoint_bytes_total{job=\"job-1\"} 4096.0")
        .contains("tandem_checkpoint_seconds_total{job=\"job-1\"} 1.5")
        .contains("tandem_notices_total{code=\"BROKEN_IMAGE\"} 1.0")
        .contains("tandem_attempts_ended_total{outcome=\"COMPLETED\"} 1.0");
  }

  @Test
  void shouldKeepTheSeriesOfTheLastSixteenJobs() {
    for (int job = 0; job < 18; job++) {
      listener("job-" + job).progress(Progress.newBuilder().setStep(1).build());
    }
    assertThat(meters.scrape())
        .doesNotContain("job=\"job-0\"")
        .doesNotContain("job=\"job-1\"")
        .contains("job=\"job-2\"", "job=\"job-17\"");
  }

  @Test
  void shouldComputeTheBusBandwidth() {
    metrics.collective(Collective.ALL_REDUCE, Transport.IPC, 4, 1000, 500_000_000);
    assertThat(meters.scrape())
        .contains(
            "tandem_collective_bus_bandwidth_bytes_per_second{collective=\"all-reduce\",transport=\"ipc\"} 3000.0");
  }

  @Test
  void shouldAddUpCollectivesAndTrafficOfAllAttempts() {
    for (int attempt = 0; attempt < 2; attempt++) {
      var listener = listener("job-1");
      listener.collectives().done(Collective.ALL_GATHER, Transport.UDP, 2, 64, 1_000_000_000);
      listener.collectives().done(Collective.BARRIER, Transport.UDP, 2, 0, 1);
      listener.traffic(FabricCounters.NONE);
      listener.traffic(new FabricCounters(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
      listener.traffic(new FabricCounters(0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 9));
    }
    assertThat(meters.scrape())
        .contains("tandem_collective_calls_total{collective=\"all-gather\",transport=\"udp\"} 2.0")
        .contains(
            "tandem_collective_bytes_total{collective=\"all-gather\",transport=\"udp\"} 128.0")
        .contains(
            "tandem_collective_seconds_total{collective=\"all-gather\",transport=\"udp\"} 2.0")
        .contains("tandem_collective_calls_total{collective=\"barrier\",transport=\"udp\"} 2.0")
        .contains("tandem_back_pressure_total{transport=\"ipc\"} 20.0")
        .contains("tandem_back_pressure_total{transport=\"udp\"} 40.0")
        .contains("tandem_retransmits_total{transport=\"udp\"} 60.0")
        .contains("tandem_frames_dropped_total{reason=\"truncated\"} 80.0")
        .contains("tandem_frames_dropped_total{reason=\"corrupt\"} 100.0")
        .contains("tandem_frames_dropped_total{reason=\"foreign\"} 120.0")
        .contains("tandem_frames_dropped_total{reason=\"other-attempt\"} 140.0")
        .contains("tandem_frames_dropped_total{reason=\"disordered\"} 160.0");
  }

  @Test
  void shouldServePrometheus() throws Exception {
    listener("job-1").progress(Progress.newBuilder().setStep(7).build());
    try (var server = new MetricsServer(meters, "127.0.0.1", 0)) {
      assertThat(status(server, "GET", "/other")).isEqualTo(404);
      assertThat(status(server, "POST", "/metrics")).isEqualTo(405);
      var response =
          HttpClient.newHttpClient()
              .send(request(server, "GET", "/metrics"), BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.headers().firstValue("Content-Type")).hasValue(Meters.CONTENT_TYPE);
      assertThat(response.body()).contains("tandem_step{job=\"job-1\"} 7.0", "jvm_memory_used");
      assertThatThrownBy(() -> new MetricsServer(meters, "127.0.0.1", server.port()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("choose another port");
    }
  }

  private static int status(MetricsServer server, String method, String path) throws Exception {
    return HttpClient.newHttpClient()
        .send(request(server, method, path), BodyHandlers.discarding())
        .statusCode();
  }

  private static HttpRequest request(MetricsServer server, String method, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .timeout(Duration.ofSeconds(10))
        .method(method, HttpRequest.BodyPublishers.noBody())
        .build();
  }
}
