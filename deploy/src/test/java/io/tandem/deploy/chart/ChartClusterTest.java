package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the chart does by what the cluster has. */
class ChartClusterTest {
  private static final String TOKEN =
      Base64.getEncoder().encodeToString("a token of old".getBytes(StandardCharsets.UTF_8));

  /** What Helm asks Kubernetes when a template looks a Secret up. */
  private static final Map<String, String> ANSWERS =
      Map.of(
          "/api/v1",
          """
          {"kind": "APIResourceList", "groupVersion": "v1", "resources":
            [{"name": "secrets", "kind": "Secret", "namespaced": true, "verbs": ["get"]}]}\
          """,
          "/api/v1/namespaces/ml/secrets/train-tandem-token",
          """
          {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "train-tandem-token"},
            "data": {"token": "%s"}}\
          """
              .formatted(TOKEN),
          "/api/v1/namespaces/ml/secrets/train-tandem-control-tls",
          """
          {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "train-tandem-control-tls"},
            "data": {"tls.crt": "%s", "tls.key": "b2xk", "ca.crt": "b2xk"}}\
          """
              .formatted(TOKEN));

  @TempDir Path directory;

  private static String token(Chart chart) {
    return secret(chart, "train-tandem-token").path("token").asText();
  }

  private static JsonNode secret(Chart chart, String name) {
    return new Manifests(chart.render("generated.yaml"))
        .ofKind("Secret").stream()
            .filter(one -> Manifests.name(one).equals(name))
            .findFirst()
            .orElseThrow()
            .path("data");
  }

  @Test
  void shouldGenerateATokenThatNobodyGuesses() {
    Chart chart = new Chart(Chart.SOURCE);
    String token = new String(Base64.getDecoder().decode(token(chart)), StandardCharsets.UTF_8);
    assertThat(token).hasSize(40).matches("[A-Za-z0-9]+");
    assertThat(token(chart)).isNotEqualTo(token);
  }

  @Test
  void shouldKeepWhatWasGeneratedOverAnUpgrade() throws Exception {
    HttpServer kubernetes =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    kubernetes.createContext(
        "/",
        exchange -> {
          String answer = ANSWERS.get(exchange.getRequestURI().getPath());
          byte[] body = (answer == null ? "{}" : answer).getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(answer == null ? 404 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    kubernetes.start();
    // The build points KUBECONFIG at a file that is not there, lest a test meets a real cluster.
    Path config = Path.of(System.getenv("KUBECONFIG"));
    try {
      Files.writeString(
          config,
          """
          apiVersion: v1
          kind: Config
          clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]
          contexts: [{name: c, context: {cluster: c, user: u}}]
          users: [{name: u, user: {}}]
          current-context: c
          """
              .formatted(kubernetes.getAddress().getPort()));
      // Helm's template command always installs; an upgrade is made of it.
      Chart upgrade = Chart.copy(directory, ".Release.IsUpgrade", "true");
      assertThat(token(upgrade)).isEqualTo(TOKEN);
      JsonNode control = secret(upgrade, "train-tandem-control-tls");
      assertThat(control.toString())
          .isEqualTo(
              "{\"ca.crt\":\"b2xk\",\"tls.crt\":\"%s\",\"tls.key\":\"b2xk\"}".formatted(TOKEN));
      assertThat(secret(upgrade, "train-tandem-rest-tls").path("tls.crt").asText())
          .as("a Secret that is not there is made")
          .hasSizeGreaterThan(1000);
    } finally {
      Files.deleteIfExists(config);
      kubernetes.stop(0);
    }
  }

  @Test
  void shouldWatchByAnnotationsWhereThereIsNoOperator() {
    Manifests manifests = new Manifests(new Chart(Chart.SOURCE).render(Map.of()));
    assertThat(manifests.ofKind("PodMonitor")).isEmpty();
    assertThat(manifests.ofKind("PrometheusRule")).isEmpty();
    assertThat(manifests.pods())
        .allSatisfy(
            pod ->
                assertThat(pod.at("/metadata/annotations/prometheus.io~1scrape").asText())
                    .isEqualTo("true"));
  }

  @Test
  void shouldWatchByTheOperatorWhereItIs() {
    // Template knows Kubernetes' own APIs only: asked for one of them, it answers as with the CRDs.
    Chart chart =
        Chart.copy(
            directory, "(printf \"monitoring.coreos.com/v1/%s\" (index . 2))", "\"apps/v1\"");
    Manifests manifests = new Manifests(chart.render(Map.of()));
    assertThat(manifests.ofKind("PodMonitor")).hasSize(2);
    assertThat(manifests.ofKind("PodMonitor").toString()).contains("\"train-tandem-token\"");
    assertThat(manifests.pods())
        .allSatisfy(pod -> assertThat(pod.path("metadata").has("annotations")).isFalse());
  }
}
