package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** With how many processors a worker computes: the JDK counts a limit, but knows of no request. */
class ChartProcessorsTest {
  private static final String COUNT = "-XX:ActiveProcessorCount=$(CPU_REQUEST)";

  private final Chart chart = new Chart(Chart.SOURCE);

  private static List<JsonNode> environment(JsonNode pod) {
    return Manifests.elements(pod.at("/spec/containers/0/env")).toList();
  }

  private static List<String> names(JsonNode pod) {
    return environment(pod).stream().map(entry -> entry.path("name").asText()).toList();
  }

  @Test
  void shouldComputeWithWhatIsRequestedWhereNothingLimitsIt() {
    List<JsonNode> workers = new Manifests(chart.render(Map.of())).pods("worker");
    assertThat(workers).isNotEmpty();
    for (JsonNode worker : workers) {
      int at = names(worker).indexOf("CPU_REQUEST");
      JsonNode request = environment(worker).get(at).at("/valueFrom/resourceFieldRef");
      assertThat(request.path("resource").asText()).isEqualTo("requests.cpu");
      assertThat(request.path("containerName").asText())
          .isEqualTo(worker.at("/spec/containers/0/name").asText());
      assertThat(at)
          .as("Kubernetes puts in what stands before")
          .isLessThan(names(worker).indexOf("JDK_JAVA_OPTIONS"));
      assertThat(Manifests.environment(worker))
          .containsEntry("JDK_JAVA_OPTIONS", COUNT + " -XX:MaxRAMPercentage=40");
    }
  }

  @Test
  void shouldLeaveItToTheJdkOrTheUserOtherwise() {
    for (Map<String, Object> values :
        List.<Map<String, Object>>of(
            Map.of("worker.resources.limits.cpu", "4"), Map.of("worker.threads", 3))) {
      for (JsonNode worker : new Manifests(chart.render(values)).pods("worker")) {
        assertThat(names(worker)).as(values.toString()).doesNotContain("CPU_REQUEST");
        assertThat(Manifests.environment(worker))
            .containsEntry("JDK_JAVA_OPTIONS", "-XX:MaxRAMPercentage=40");
      }
    }
    for (JsonNode worker : new Manifests(chart.render("bare.yaml")).pods("worker")) {
      assertThat(names(worker)).as("nothing is requested").doesNotContain("CPU_REQUEST");
    }
  }
}
