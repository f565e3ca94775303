package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The bill of materials that the build writes. */
class SbomIT {
  @Test
  void shouldNameEveryLibraryWithItsLicence() throws Exception {
    JsonNode bom = new ObjectMapper().readTree(Path.of("target/tandem-sbom.json").toFile());
    assertThat(bom.path("bomFormat").asText()).isEqualTo("CycloneDX");
    Map<String, JsonNode> components = new TreeMap<>();
    bom.path("components").forEach(c -> components.put(c.path("name").asText(), c));
    assertThat(components)
        .containsKeys(
            "aeron-all", "akka-cluster-typed_2.13", "nd4j-native", "protobuf-java", "tandem-worker")
        .doesNotContainKeys("junit-jupiter", "assertj-core");
    components.forEach(
        (name, component) -> {
          assertThat(component.path("version").asText()).as(name).isNotEmpty();
          assertThat(component.path("licenses")).as(name).isNotEmpty();
          if (!name.startsWith("tandem-")) {
            assertThat(component.path("hashes")).as(name).isNotEmpty();
          }
        });
  }
}
