package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.worker.fabric.Preflight;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The size of /dev/shm against what the worker's pre-flight demands. */
class ChartSharedMemoryTest {
  private static final Chart CHART = new Chart(Chart.SOURCE);

  /** The bytes that the template gives that pool. */
  private static long bytes(Manifests manifests, String pool) {
    JsonNode pod =
        manifests.pods("worker").stream()
            .filter(one -> Manifests.labels(one).get("tandem.io/pool").equals(pool))
            .findFirst()
            .orElseThrow();
    JsonNode volume =
        Manifests.elements(pod.path("spec").path("volumes"))
            .filter(one -> one.path("name").asText().equals("shm"))
            .findFirst()
            .orElseThrow()
            .path("emptyDir");
    assertThat(volume.path("medium").asText()).isEqualTo("Memory");
    assertThat(volume.path("sizeLimit").asText()).endsWith("Mi");
    return Long.parseLong(volume.path("sizeLimit").asText().replace("Mi", "")) << 20;
  }

  /** What an attempt needs while another one, as large, still holds its logs. */
  private static long needed(int peers) {
    return 2 * Preflight.memoryBytes(peers) - Preflight.memoryBytes(0);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 0", "2, 1, 1", "8, 1, 7", "8, 4, 28", "64, 2, 126"})
  void shouldHoldTwoAttemptsWithAllPeers(int replicas, int slots, int peers) {
    Map<String, Object> values =
        Map.of(
            "worker.replicas", replicas,
            "worker.slots", slots,
            "worker.resources.limits.memory", "64Gi");
    long bytes = bytes(new Manifests(CHART.render(values)), "default");
    // Rounded up to whole MiB, and no more than that.
    assertThat(bytes).isBetween(needed(peers), needed(peers) + (1 << 20));
  }

  @Test
  void shouldCountPeersOfThePoolAlone() {
    Manifests manifests = new Manifests(CHART.render("pools.yaml"));
    // 3 workers of 2 slots, 2 of 4.
    assertThat(bytes(manifests, "cpu")).isBetween(needed(2 * 2), needed(2 * 2) + (1 << 20));
    assertThat(bytes(manifests, "gpu")).isBetween(needed(4), needed(4) + (1 << 20));
  }

  @Test
  void shouldTakeTheUsersWord() {
    Map<String, Object> values = Map.of("worker.replicas", 500, "sharedMemory.peers", 3);
    assertThat(bytes(new Manifests(CHART.render(values)), "default"))
        .isBetween(needed(3), needed(3) + (1 << 20));
  }
}
