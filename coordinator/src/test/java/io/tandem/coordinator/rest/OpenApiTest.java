package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.tandem.coordinator.jobs.JobState;
import io.tandem.coordinator.store.Rows;
import io.tandem.protocol.control.RankTime;
import io.tandem.protocol.control.WorkerView;
import io.tandem.protocol.job.JobReason;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class OpenApiTest {
  @Test
  void shouldDescribeExactlyTheRoutes() throws Exception {
    Set<String> described = new TreeSet<>();
    try (InputStream file = RestServer.class.getResourceAsStream("openapi.yaml")) {
      JsonNode document = new YAMLMapper().readTree(file);
      assertThat(document.get("openapi").asText()).isEqualTo("3.1.0");
      for (var path : document.get("paths").properties()) {
        for (var method : path.getValue().properties()) {
          boolean open = path.getKey().startsWith("/health/");
          assertThat(method.getValue().get("responses").has("401"))
              .as("%s %s", method.getKey(), path.getKey())
              .isEqualTo(!open);
          described.add(method.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey());
        }
      }
    }
    Set<String> routes =
        RestServer.routes(null, null, null, null).stream()
            .map(route -> route.method() + " " + route.template())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(described).isEqualTo(routes);
  }

  @Test
  void shouldServeOthersOnlyWithAToken() {
    assertThatThrownBy(() -> RestServer.checkBinding("0.0.0.0", RestSecurity.of("")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TANDEM_TOKEN");
    assertThatCode(() -> RestServer.checkBinding("0.0.0.0", RestSecurity.of("secret")))
        .doesNotThrowAnyException();
    assertThatCode(() -> RestServer.checkBinding("127.0.0.1", RestSecurity.of("")))
        .doesNotThrowAnyException();
  }

  @Test
  void shouldDescribeWhatIsAnswered() throws Exception {
    JsonNode schemas;
    try (InputStream file = RestServer.class.getResourceAsStream("openapi.yaml")) {
      schemas = new YAMLMapper().readTree(file).path("components").path("schemas");
    }
    assertThat(words(schemas.path("State")))
        .isEqualTo(Arrays.stream(JobState.Status.values()).map(Enum::name).toList());
    assertThat(words(schemas.path("Reason")))
        .isEqualTo(Arrays.stream(JobReason.values()).map(Enum::name).toList());
    assertSameKeys(schemas, "Event", JobJson.event(new Rows.Event(1, "j", 1, 1, "state", "{}")));
    assertSameKeys(schemas, "Point", JobJson.metric(new Rows.Metric("j", "loss", 1, 1, 1, 0.5)));
    assertSameKeys(schemas, "LogLine", JobJson.log(new Rows.LogLine(1, "j", 1, 1, "w", "line")));
    assertSameKeys(
        schemas, "Checkpoint", JobJson.checkpoint(new Rows.Checkpoint("j", "/c", 1, 1, 1, 1, 1)));
    assertSameKeys(schemas, "Worker", JobJson.worker(WorkerView.getDefaultInstance()));
    assertSameKeys(schemas, "Rank", JobJson.rank("w", RankTime.getDefaultInstance()));
  }

  private static List<String> words(JsonNode schema) {
    List<String> words = new ArrayList<>();
    schema.path("enum").forEach(word -> words.add(word.asText()));
    return words;
  }

  private static void assertSameKeys(JsonNode schemas, String name, JsonNode answer) {
    assertThat(schemas.path(name).path("properties").fieldNames())
        .toIterable()
        .as(name)
        .containsExactlyElementsOf(answer::fieldNames);
  }
}
