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
import io.tandem.worker.train.RankTimes;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerMetricsTest {
  private final Meters meters = new Meters();
  private long nanoTime;
  private final WorkerMetrics metrics =
      new WorkerMetrics(meters, System::currentTimeMillis, () -> nanoTime);
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
    var plan =
        new AttemptPlan(roster, "w", null, List.of(), Path.of("x"), null, "localhost", 1, 1, null);
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
              .build());
    }
    listener.evaluated(Evaluated.newBuilder().putValues("testAccuracy", 0.75).build());
    listener.checkpoint(CheckpointCommitted.newBuilder().setBytes(4096).setSeconds(1.5).build());
    listener.notice(Notice.newBuilder().setCode("BROKEN_IMAGE").build());
    listener.ended(AttemptEnded.newBuilder().setOutcome(Outcome.COMPLETED).build());
    assertThat(passedOn).hasSize(7);
    assertThat(meters.scrape())
        .contains("tandem_step{job_id=\"job-1\"} 130.0")
        .contains("tandem_steps_total{job_id=\"job-1\"} 30.0")
        .contains("tandem_images_total{job_id=\"job-1\"} 4800.0")
        .contains("tandem_loss{job_id=\"job-1\",loss=\"studentLoss\"} 0.25")
        .contains("tandem_training_value{job_id=\"job-1\",name=\"learningRate\"} 0.05")
        .contains("tandem_feedback{feedback=\"feedback\",job_id=\"job-1\"} -0.5")
        .contains("tandem_accuracy{accuracy=\"testAccuracy\",job_id=\"job-1\"} 0.75")
        .contains("tandem_checkpoint_bytes_total{job_id=\"job-1\"} 4096.0")
        .contains("tandem_checkpoint_seconds_total{job_id=\"job-1\"} 1.5")
        .contains("tandem_notices_total{code=\"BROKEN_IMAGE\"} 1.0")
        .contains("tandem_attempts_ended_total{outcome=\"COMPLETED\"} 1.0");
  }

  @Test
  void shouldKeepTheSeriesOfTheLastSixteenEndedJobs() {
    for (int job = 0; job < 18; job++) {
      listener("job-" + job).progress(Progress.newBuilder().setStep(1).build());
    }
    assertThat(meters.scrape()).contains("job_id=\"job-0\"", "job_id=\"job-17\"");
    for (int job = 18; job < 36; job++) {
      var listener = listener("job-" + job);
      listener.progress(Progress.newBuilder().setStep(1).build());
      listener.ended(AttemptEnded.getDefaultInstance());
    }
    assertThat(meters.scrape())
        .doesNotContain("job_id=\"job-18\"")
        .doesNotContain("job_id=\"job-19\"")
        .contains("job_id=\"job-0\"", "job_id=\"job-20\"", "job_id=\"job-35\"");
  }

  @Test
  void shouldComputeTheBusBandwidth() {
    metrics.collective(Collective.ALL_REDUCE, Transport.IPC, 4, 1000, 500_000_000);
    assertThat(meters.scrape())
        .contains(
            "tandem_collective_bus_bandwidth_bytes_per_second{collective=\"all-reduce\",transport=\"ipc\"}"
                + " 3000.0");
  }

  @Test
  void shouldAddUpCollectivesAndTrafficOfAllAttempts() {
    for (int attempt = 0; attempt < 2; attempt++) {
      var listener = listener("job-1");
      listener.collectives().done(Collective.ALL_GATHER, Transport.UDP, 2, 64, 1_000_000_000);
      listener.collectives().done(Collective.BARRIER, Transport.UDP, 2, 0, 1);
      listener.traffic(FabricCounters.NONE);
      listener.traffic(new FabricCounters(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 1, 8, 9, streams(1)));
      listener.traffic(
          new FabricCounters(0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 11, 80, 9, streams(10)));
    }
    assertThat(meters.scrape())
        .contains("tandem_collective_calls_total{collective=\"all-gather\",transport=\"udp\"} 2.0")
        .contains(
            "tandem_collective_bytes_total{collective=\"all-gather\",transport=\"udp\"} 128.0")
        .contains(
            "tandem_collective_seconds_total{collective=\"all-gather\",transport=\"udp\"} 2.0")
        .contains("tandem_collective_calls_total{collective=\"barrier\",transport=\"udp\"} 2.0")
        .contains(
            "tandem_back_pressure_total{job_id=\"job-1\",peer=\"4\",rank=\"0\",transport=\"ipc\"}"
                + " 20.0",
            "tandem_back_pressure_total{job_id=\"job-1\",peer=\"8\",rank=\"0\",transport=\"udp\"}"
                + " 40.0",
            "tandem_stream_retransmits_total{job_id=\"job-1\",peer=\"8\",rank=\"0\"} 60.0")
        .contains("tandem_retransmits_total{transport=\"udp\"} 60.0")
        .contains("tandem_frames_dropped_total{reason=\"truncated\"} 80.0")
        .contains("tandem_frames_dropped_total{reason=\"corrupt\"} 100.0")
        .contains("tandem_frames_dropped_total{reason=\"foreign\"} 120.0")
        .contains("tandem_frames_dropped_total{reason=\"other-attempt\"} 140.0")
        .contains("tandem_frames_dropped_total{reason=\"unauthentic\"} 22.0")
        .contains("tandem_frames_dropped_total{reason=\"disordered\"} 160.0");
  }

  private static List<FabricCounters.Stream> streams(int times) {
    return List.of(
        new FabricCounters.Stream(0, 4, Transport.IPC, times, 0),
        new FabricCounters.Stream(0, 8, Transport.UDP, 2L * times, 3L * times));
  }

  @Test
  void shouldTellRanksAndWhomTheyWaitFor() {
    var listener = listener("job-1");
    var times = new RankTimes(3, 2, 4, 1.5, Map.of("halo", 0.5), Map.of(1, 1.25, 2, 0.25));
    listener.times(times);
    listener.times(times);
    assertThat(passedOn).containsExactly(times, times);
    assertThat(meters.scrape())
        .contains("tandem_rank_steps_total{job_id=\"job-1\",rank=\"3\"} 4.0")
        .contains("tandem_step_duration_seconds_total{job_id=\"job-1\",rank=\"3\"} 8.0")
        .contains("tandem_step_busy_seconds_total{job_id=\"job-1\",rank=\"3\"} 5.0")
        .contains("tandem_step_phase_seconds_total{job_id=\"job-1\",phase=\"halo\",rank=\"3\"} 1.0")
        .contains("tandem_peer_wait_seconds_total{job_id=\"job-1\",peer=\"1\",rank=\"3\"} 2.5")
        .contains("tandem_step_timestamp_seconds{job_id=\"job-1\",rank=\"3\"} 1.");
  }

  @Test
  void shouldTellSixtyFourPeersOfARankApart() {
    Map<Integer, Double> waits = new HashMap<>();
    for (int peer = 1; peer <= 200; peer++) {
      waits.put(peer, 1.0);
    }
    listener("job-1").times(new RankTimes(0, 1, 1, 1, Map.of(), waits));
    var lines =
        meters
            .scrape()
            .lines()
            .filter(l -> l.startsWith("tandem_peer_wait_seconds_total{"))
            .toList();
    assertThat(lines)
        .hasSize(65)
        .anyMatch(l -> l.contains("peer=\"other\"") && l.endsWith(" 136.0"));
  }

  @Test
  void shouldForgetAJobSomeMinutesAfterItsLastAttemptEnded() {
    var first = listener("job-1");
    var second = listener("job-1");
    first.progress(Progress.newBuilder().setStep(1).build());
    first.ended(AttemptEnded.getDefaultInstance());
    nanoTime = Duration.ofMinutes(20).toNanos();
    metrics.tidy();
    assertThat(meters.scrape()).as("another attempt runs").contains("job-1");
    second.ended(AttemptEnded.getDefaultInstance());
    nanoTime += Duration.ofMinutes(4).toNanos();
    metrics.tidy();
    assertThat(meters.scrape()).as("4 minutes later").contains("job-1");
    nanoTime += Duration.ofMinutes(2).toNanos();
    metrics.tidy();
    assertThat(meters.scrape()).as("6 minutes later").doesNotContain("job-1");
  }

  @Test
  void shouldTellTheRoomOfVolumes(@TempDir Path directory) {
    try (var host =
        HostMetrics.start(meters, metrics, directory.resolve("not/yet"), Path.of("/dev/shm"))) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () ->
                  assertThat(meters.scrape())
                      .containsPattern("tandem_volume_free_bytes\\{volume=\"checkpoints\"} [1-9]")
                      .containsPattern("tandem_volume_size_bytes\\{volume=\"shm\"} [1-9]"));
    }
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
      assertThat(response.body()).contains("tandem_step{job_id=\"job-1\"} 7.0", "jvm_memory_used");
      assertThatThrownBy(() -> new MetricsServer(meters, "127.0.0.1", server.port()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("choose another port");
    }
  }

  @Test
  void shouldSayWhetherAWorkerIsReady() throws Exception {
    try (var server = new MetricsServer(meters, "127.0.0.1", 0)) {
      assertThat(status(server, "GET", "/ready")).as("nobody's readiness").isEqualTo(404);
      var obstacle = new AtomicReference<>("refused: too old");
      server.readiness(obstacle::get);
      var response =
          HttpClient.newHttpClient()
              .send(request(server, "GET", "/ready"), BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(503);
      assertThat(response.body()).isEqualTo("refused: too old");
      assertThat(status(server, "POST", "/ready")).isEqualTo(405);
      obstacle.set("");
      assertThat(status(server, "GET", "/ready")).isEqualTo(200);
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
