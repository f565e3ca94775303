package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a Prometheus is told of releases and of runbooks. */
class ChartMonitoringTest {
  private final Chart chart = new Chart(Chart.SOURCE);

  @Test
  void shouldTellReleasesApartByALabelOfTargets() {
    List<JsonNode> monitors = new Manifests(chart.render("pools.yaml")).ofKind("PodMonitor");
    assertThat(monitors).hasSize(2);
    for (JsonNode monitor : monitors) {
      for (JsonNode endpoint : monitor.at("/spec/podMetricsEndpoints")) {
        JsonNode relabeling = endpoint.at("/relabelings/0");
        assertThat(relabeling.path("targetLabel").asText()).isEqualTo("tandem");
        assertThat(relabeling.path("replacement").asText()).isEqualTo("ml/train");
      }
    }
  }

  private static List<JsonNode> alerts(Manifests manifests) {
    return manifests.ofKind("PrometheusRule").stream()
        .flatMap(rules -> Manifests.elements(rules.at("/spec/groups")))
        .flatMap(group -> Manifests.elements(group.path("rules")))
        .filter(rule -> rule.has("alert"))
        .toList();
  }

  @Test
  void shouldNameTheRunbooksWhereTheyAreRead() {
    List<JsonNode> alerts = alerts(new Manifests(chart.render("pools.yaml")));
    assertThat(alerts).hasSizeGreaterThanOrEqualTo(14);
    for (JsonNode alert : alerts) {
      String heading = alert.path("alert").asText().toLowerCase(Locale.ROOT);
      assertThat(alert.at("/annotations/runbook").asText()).isEqualTo("RUNBOOKS.md#" + heading);
      assertThat(alert.at("/annotations/runbook_url").asText())
          .isEqualTo("https://wiki.example/RUNBOOKS.md#" + heading);
    }
    Map<String, Object> nowhere = Map.of("monitoring.rules.enabled", true);
    assertThat(alerts(new Manifests(chart.render(nowhere))))
        .hasSameSizeAs(alerts)
        .noneMatch(alert -> alert.at("/annotations").has("runbook_url"));
  }
}
