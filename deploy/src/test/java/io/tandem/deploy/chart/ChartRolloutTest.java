package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds while pods are replaced and nodes are drained, one after another. */
class ChartRolloutTest {
  static final List<String> VALUE_SETS = Chart.VALUE_SETS;

  private final Chart chart = new Chart(Chart.SOURCE);

  private Manifests render(String valueSet) {
    return new Manifests(chart.render(valueSet));
  }

  /** A pod that was never registered, or is refused, must hold the next one's replacement up. */
  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldGoOnToTheNextWorkerWhenOneIsRegistered(String valueSet) {
    for (JsonNode set : render(valueSet).ofKind("StatefulSet")) {
      if (Manifests.name(set).contains("-worker-")) {
        assertThat(set.at("/spec/minReadySeconds").asInt()).isEqualTo(10);
        JsonNode container = set.at("/spec/template/spec/containers/0");
        assertThat(container.at("/readinessProbe/httpGet/path").asText()).isEqualTo("/ready");
        for (String probe : List.of("startupProbe", "livenessProbe")) {
          assertThat(container.at("/" + probe + "/httpGet/path").asText())
              .as("%s: a worker lives while no coordinator answers", probe)
              .isEqualTo("/metrics");
        }
      }
    }
  }

  /** A pod that never becomes ready must not keep its node from being drained for ever. */
  @Test
  void shouldLetPodsBeEvictedThatServeNobody() {
    List<JsonNode> budgets = new Manifests(chart.render(Map.of())).ofKind("PodDisruptionBudget");
    assertThat(budgets).hasSize(2);
    for (JsonNode budget : budgets) {
      assertThat(budget.at("/spec/unhealthyPodEvictionPolicy").asText()).isEqualTo("AlwaysAllow");
      assertThat(budget.at("/spec/maxUnavailable").asInt()).isOne();
    }
    String old = chart.helm().template().withKubeVersion("1.25.0").withName("train").call();
    assertThat(old)
        .contains("kind: PodDisruptionBudget")
        .as("1.25 does not know the field, and Helm refuses what its schema does not know")
        .doesNotContain("unhealthyPodEvictionPolicy");
  }

  /** 5 s are for the last reports, the rest for the JVM to end, and its container. */
  @ParameterizedTest
  @ValueSource(ints = {31, 90, 600})
  void shouldLetAWorkerSaveForAsLongAsItIsNotKilled(int seconds) {
    Map<String, Object> values = Map.of("worker.terminationGracePeriodSeconds", seconds);
    for (JsonNode worker : new Manifests(chart.render(values)).pods("worker")) {
      assertThat(worker.at("/spec/terminationGracePeriodSeconds").asInt()).isEqualTo(seconds);
      assertThat(Manifests.environment(worker))
          .containsEntry("TANDEM_DRAIN_SECONDS", String.valueOf(seconds - 15));
    }
  }

  /** Of several pools the slowest counts; a pause may take a minute whatever they say. */
  @ParameterizedTest
  @CsvSource({"31, 40, 60", "90, 31, 90", "31, 600, 600"})
  void shouldNotGiveUpAWorkerBeforeItIsKilled(int first, int second, String expected) {
    Map<String, Object> values =
        Map.of(
            "worker.pools[0].name",
            "slow",
            "worker.pools[0].terminationGracePeriodSeconds",
            second,
            "worker.pools[1].name",
            "other",
            "worker.terminationGracePeriodSeconds",
            first);
    for (JsonNode coordinator : new Manifests(chart.render(values)).pods("coordinator")) {
      assertThat(Manifests.environment(coordinator)).containsEntry("TANDEM_STOP_SECONDS", expected);
    }
  }
}
