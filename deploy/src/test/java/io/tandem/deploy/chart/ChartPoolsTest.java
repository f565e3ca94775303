package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What workers and the release's own test are told of worker pools. */
class ChartPoolsTest {
  @TempDir Path directory;
  private Chart chart;

  @BeforeEach
  void copy() {
    chart = Chart.withoutHooks(directory);
  }

  @Test
  void shouldTellWorkersTheirPool() {
    Manifests manifests = new Manifests(chart.render("pools.yaml"));
    assertThat(manifests.pods("worker"))
        .hasSize(2)
        .allSatisfy(
            pod ->
                assertThat(value(pod, "TANDEM_POOL"))
                    .isEqualTo(Manifests.labels(pod).get("tandem.io/pool")));
  }

  /** The GPU engine does not train. */
  @Test
  void shouldTestThePoolThatTrains() throws Exception {
    assertThat(testJob(Map.of()).path("pool").asText()).isEqualTo("default");
    JsonNode job =
        testJob(
            Map.of(
                "worker.pools[0].name", "gpu",
                "worker.pools[0].variant", "cuda",
                "worker.pools[1].name", "spare",
                "worker.pools[1].replicas", 0,
                "worker.pools[2].name", "cpu",
                "worker.pools[2].replicas", 1));
    assertThat(job.path("pool").asText()).isEqualTo("cpu");
    assertThat(job.path("mesh").path("replicas").asInt()).isEqualTo(1);
  }

  private JsonNode testJob(Map<String, Object> values) throws Exception {
    JsonNode job =
        new Manifests(chart.render(values))
            .ofKind("ConfigMap").stream()
                .map(map -> map.path("data").path("job.yaml"))
                .filter(JsonNode::isTextual)
                .findFirst()
                .orElseThrow();
    return Chart.YAML.readTree(job.asText());
  }

  private static String value(JsonNode pod, String variable) {
    return Manifests.elements(Manifests.containers(pod).get(0).path("env"))
        .filter(one -> one.path("name").asText().equals(variable))
        .findFirst()
        .orElseThrow()
        .path("value")
        .asText();
  }
}
