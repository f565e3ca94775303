package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/** A real Prometheus that scrapes every second and evaluates the rules in {@code helm/rules}. */
final class PrometheusProcess implements AutoCloseable {
  /** The label {@code tandem} of what it scrapes. */
  static final String RELEASE = "ml/train";

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final HttpClient client = HttpClient.newHttpClient();
  private final Process process;
  private final URI address;
  private final Path log;

  private PrometheusProcess(Process process, URI address, Path log) {
    this.process = process;
    this.address = address;
    this.log = log;
  }

  /** Starts one that scrapes these addresses, {@code host:port}, at {@code /metrics}. */
  static PrometheusProcess start(Path directory, List<String> targets) throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Path config = directory.resolve("prometheus.yml");
    String rules = Monitoring.HELM.resolve("rules").toAbsolutePath().normalize() + "/*.yaml";
    Files.writeString(
        config,
        """
        global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
        rule_files: ["%s"]
        scrape_configs:
          - job_name: tandem
            static_configs: [{targets: [%s], labels: {tandem: %s}}]
        """
            .formatted(
                rules,
                targets.stream().map(t -> '"' + t + '"').collect(Collectors.joining(", ")),
                RELEASE));
    Path log = directory.resolve("prometheus.log");
    Process process =
        new ProcessBuilder(
                "prometheus",
                "--config.file=" + config,
                "--storage.tsdb.path=" + directory.resolve("prometheus"),
                "--web.listen-address=127.0.0.1:" + port,
                "--log.level=warn")
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    PrometheusProcess prometheus =
        new PrometheusProcess(process, URI.create("http://127.0.0.1:" + port), log);
    Awaitility.await()
        .alias("Prometheus is ready")
        .atMost(Duration.ofSeconds(60))
        .ignoreException(IOException.class)
        .until(
            () -> {
              if (!process.isAlive()) {
                throw new IllegalStateException("it has ended: " + Files.readString(log));
              }
              return prometheus.get("/-/ready").statusCode() == 200;
            });
    return prometheus;
  }

  private java.net.http.HttpResponse<String> get(String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(address.resolve(path)).timeout(PATIENCE).build();
    return client.send(request, BodyHandlers.ofString());
  }

  /** The answer to {@code /api/v1/query}; its {@code status} says whether it could be parsed. */
  JsonNode query(String expression) throws Exception {
    String encoded = URLEncoder.encode(expression, StandardCharsets.UTF_8);
    return new ObjectMapper().readTree(get("/api/v1/query?query=" + encoded).body());
  }

  /** Whether an answer holds a sample that is a number. */
  static boolean hasData(JsonNode answer) {
    for (JsonNode sample : answer.at("/data/result")) {
      if (!sample.at("/value/1").asText().equals("NaN")) {
        return true;
      }
    }
    return false;
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  @Override
  public void close() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }
}
