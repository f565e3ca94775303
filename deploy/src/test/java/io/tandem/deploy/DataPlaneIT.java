package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinition.Kind;
import io.tandem.protocol.metrics.MetricDefinitions;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two workers, a media driver in a process of its own, and what becomes of their exchange. */
class DataPlaneIT {
  @TempDir Path directory;
  private final List<TandemProcess> processes = new ArrayList<>();
  private TandemProcess driver;
  private Path aeron;
  private TandemProcess first;
  private TandemProcess second;
  private TandemClient client;

  @BeforeEach
  void start() throws Exception {
    new PictureGenerator(7, 2, 8, 16, 4, 64)
        .write(directory.resolve("pictures"), DataSpec.Format.FOLDER, 2);
    driver = tandem("media-driver");
    aeron = Path.of(driver.await("media driver at (\\S+)").group(1));
    TandemProcess coordinator =
        tandem(
            "coordinator",
            "--store",
            directory.resolve("store").toString(),
            "--rest-port",
            "0",
            "--control-port",
            "0");
    Matcher ports =
        coordinator.await("coordinator at http://[^:]+:(\\d+), workers at [^:]+:(\\d+)");
    client = new TandemClient(URI.create("http://127.0.0.1:" + ports.group(1)), "");
    first = worker(ports.group(2));
    second = worker(ports.group(2));
    first.await("registered at");
    second.await("registered at");
  }

  @AfterEach
  void stop() throws Exception {
    for (TandemProcess process : processes) {
      process.close();
    }
  }

  private TandemProcess tandem(String... arguments) throws Exception {
    TandemProcess process = TandemProcess.start(directory, arguments);
    processes.add(process);
    return process;
  }

  private TandemProcess worker(String controlPort) throws Exception {
    return tandem(
        "worker",
        "--coordinator",
        "127.0.0.1:" + controlPort,
        "--aeron-directory",
        aeron.toString(),
        "--directory",
        directory.resolve("checkpoints").toString());
  }

  private String submit(int steps) {
    String job =
        """
        name: data-plane
        mesh: {replicas: 2, shards: 1}
        data:
          {format: folder, path: %s, imageHeight: 64, imageWidth: 64, channels: 3, classes: 2,
           maximumBroken: 0.5}
        model: {family: wide-resnet, stemStride: 4}
        algorithm: {name: meta-pseudo-labels}
        training: {steps: %d, labeledBatch: 4, unlabeledBatch: 4}
        checkpoint: {every: 10}
        recovery: {peerTimeoutSeconds: 5}
        """
            .formatted(directory.resolve("pictures"), steps);
    return client.submit(job.getBytes(StandardCharsets.UTF_8), null).path("id").asText();
  }

  private JsonNode await(String id, String what, Predicate<JsonNode> wanted) {
    return Awaitility.await()
        .alias(what)
        .atMost(Duration.ofSeconds(120))
        .pollInterval(Duration.ofMillis(100))
        .until(() -> client.job(id), wanted);
  }

  private static boolean trains(JsonNode job) {
    return job.path("state").asText().equals("RUNNING") && job.path("step").asInt() > 0;
  }

  private static boolean ended(JsonNode job) {
    return Set.of("SUCCEEDED", "FAILED", "CANCELLED").contains(job.path("state").asText());
  }

  private static void signal(TandemProcess process, String signal) throws Exception {
    Process kill = new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start();
    assertThat(kill.waitFor()).isZero();
  }

  @Test
  void shouldTrainOverASharedDriverAndShowEveryMetric() throws Exception {
    breakAPicture();
    JsonNode job = await(submit(12), "the end", DataPlaneIT::ended);
    assertThat(job.path("state").asText()).as(job.toString()).isEqualTo("SUCCEEDED");
    List<String> samples =
        Stream.of(first, second).flatMap(worker -> scrape(worker).lines()).toList();
    List<String> unmet =
        MetricDefinitions.worker().stream()
            // There is no certificate here; MonitoringIT asks for it where there is.
            .filter(definition -> !definition.equals(MetricDefinitions.CERTIFICATE_EXPIRY))
            .filter(definition -> samples.stream().noneMatch(line -> isSane(definition, line)))
            .map(MetricDefinition::prometheusName)
            .toList();
    assertThat(unmet).as("metrics that no worker shows").isEmpty();
    for (TandemProcess worker : List.of(first, second)) {
      assertThat(value(worker, "tandem_collective_bytes_total", "all-reduce", "ipc")).isPositive();
      assertThat(value(worker, "tandem_collective_seconds_total", "all-reduce", "ipc"))
          .isPositive();
      assertThat(value(worker, "tandem_collective_bus_bandwidth_bytes_per_second", "ipc"))
          .isPositive();
      assertThat(scrape(worker).lines())
          .noneMatch(line -> line.contains("collective=") && line.contains("transport=\"udp\""));
      assertThat(scrape(worker).lines().filter(line -> line.startsWith("tandem_frames_dropped")))
          .allMatch(line -> line.endsWith(" 0.0"));
    }
  }

  private void breakAPicture() throws Exception {
    try (Stream<Path> files = Files.walk(directory.resolve("pictures"))) {
      Path one =
          files
              .filter(file -> file.toString().endsWith(".jpg"))
              .filter(file -> !file.toString().contains("test"))
              .sorted()
              .findFirst()
              .orElseThrow();
      Files.writeString(one, "this is no picture");
    }
  }

  private static String scrape(TandemProcess worker) {
    URI address = URI.create(worker.await("metrics (http\\S+)").group(1));
    try {
      return HttpClient.newHttpClient()
          .send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString())
          .body();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** A sample of that metric, finite and, where it counts, not negative. */
  private static boolean isSane(MetricDefinition definition, String line) {
    String name = definition.prometheusName();
    if (!line.startsWith(name + "{") && !line.startsWith(name + " ")) {
      return false;
    }
    double value = Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
    boolean labelled = definition.labels().stream().allMatch(label -> line.contains(label + "=\""));
    return labelled && Double.isFinite(value) && (definition.kind() == Kind.GAUGE || value >= 0);
  }

  private static double value(TandemProcess worker, String name, String... labels) {
    return scrape(worker)
        .lines()
        .filter(line -> line.startsWith(name + "{"))
        .filter(line -> Stream.of(labels).allMatch(label -> line.contains("=\"" + label + "\"")))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElse(Double.NaN);
  }

  @Test
  void shouldGoOnAfterAPauseAndEndTheStepOfAPeerThatStaysSilent() throws Exception {
    String id = submit(100_000);
    await(id, "training", DataPlaneIT::trains);
    signal(second, "STOP");
    int step = client.job(id).path("step").asInt();
    Awaitility.await().pollDelay(Duration.ofSeconds(3)).until(() -> true);
    signal(second, "CONT");
    JsonNode on = await(id, "more steps", job -> job.path("step").asInt() > step + 5);
    assertThat(on.path("attempt").asInt()).isEqualTo(1);

    signal(second, "STOP");
    long stopped = System.nanoTime();
    first.await(
        "rank [01] waited .* s (to send|for) .* bytes of tag .* rank [01], but rank [01] is gone:"
            + " nothing was heard from worker \\S+ for .* s");
    assertThat(Duration.ofNanos(System.nanoTime() - stopped)).isLessThan(Duration.ofSeconds(10));
    client.act(id, "cancel");
  }

  @Test
  void shouldNameTheRanksWhenAPeerIsKilledAndRemoveWhatADeadDriverLeft() throws Exception {
    String id = submit(100_000);
    await(id, "training", DataPlaneIT::trains);
    second.kill();
    long killed = System.nanoTime();
    first.await("rank [01] waited .* bytes of tag .* rank [01], but rank [01] is gone: ");
    assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(Duration.ofSeconds(10));
    client.act(id, "cancel");

    driver.kill();
    assertThat(aeron).exists();
    TandemProcess next = tandem("media-driver");
    Path own = Path.of(next.await("media driver at (\\S+)").group(1));
    assertThat(own).exists().isNotEqualTo(aeron);
    assertThat(aeron).doesNotExist();
    next.terminate();
    next.exitCode();
    assertThat(own).doesNotExist();
    assertThat(leftBy(next)).isEmpty();
  }

  private static Set<String> leftBy(TandemProcess process) throws Exception {
    try (Stream<Path> all = Files.list(Path.of("/dev/shm"))) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.contains("-" + process.pid() + "-"))
          .collect(Collectors.toSet());
    }
  }
}
