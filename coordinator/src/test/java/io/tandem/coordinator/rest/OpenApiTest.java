package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.InputStream;
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
        RestServer.routes(null, null, null).stream()
            .map(route -> route.method() + " " + route.template())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(described).isEqualTo(routes);
  }

  @Test
  void shouldServeOthersOnlyWithAToken() {
    assertThatThrownBy(() -> RestServer.checkBinding("0.0.0.0", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("TANDEM_TOKEN");
    assertThatCode(() -> RestServer.checkBinding("0.0.0.0", "secret")).doesNotThrowAnyException();
    assertThatCode(() -> RestServer.checkBinding("127.0.0.1", "")).doesNotThrowAnyException();
  }
}
