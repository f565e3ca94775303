package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.client.TandemClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a job computed, as far as it can be seen from outside.
 *
 * @param states by step, the digests of all tensors of the checkpoint: both models' weights, their
 *     averages and momenta
 * @param values by name and step, the losses and accuracies that were told
 */
record Trajectory(Map<Integer, JsonNode> states, Map<String, Double> values) {
  /** Of all attempts; two that computed the same step must agree. */
  static Trajectory of(TandemClient client, String id) {
    Map<Integer, JsonNode> states = new TreeMap<>();
    for (JsonNode checkpoint : client.checkpoints(id).path("checkpoints")) {
      Path manifest = Path.of(checkpoint.path("path").asText(), "manifest.json");
      states.put(checkpoint.path("step").asInt(), files(manifest));
    }
    Map<String, Double> values = new TreeMap<>();
    for (JsonNode point : client.series(id).path("metrics")) {
      String name = point.path("name").asText();
      if (!name.endsWith("PerSecond") && !name.startsWith("phaseSeconds.")) {
        String at = name + " of step " + point.path("step").asInt();
        Double before = values.put(at, point.path("value").asDouble());
        assertThat(before == null || before.equals(values.get(at))).as(at).isTrue();
      }
    }
    return new Trajectory(states, values);
  }

  private static JsonNode files(Path manifest) {
    try {
      JsonNode files = new ObjectMapper().readTree(manifest.toFile()).path("files");
      assertThat(files).as(manifest.toString()).isNotEmpty();
      return files;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int last() {
    return states.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  /** Bit for bit, wherever both were seen. */
  void assertIsThatOf(Trajectory other) {
    assertEqualWhereBoth(states, other.states());
    assertEqualWhereBoth(values, other.values());
  }

  private static <K, V> void assertEqualWhereBoth(Map<K, V> own, Map<K, V> others) {
    Map<K, V> both = new TreeMap<>(own);
    both.keySet().retainAll(others.keySet());
    assertThat(both).isNotEmpty();
    Map<K, V> same = new TreeMap<>(others);
    same.keySet().retainAll(own.keySet());
    assertThat(both).isEqualTo(same);
  }
}
