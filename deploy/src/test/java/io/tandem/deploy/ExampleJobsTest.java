package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.AlgorithmSpec.Estimator;
import io.tandem.protocol.job.AlgorithmSpec.Name;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.job.MeshSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExampleJobsTest {
  private static final Path EXAMPLES = Path.of("examples");

  private static JobSpec read(String name, Map<String, String> parameters) throws IOException {
    return JobFiles.parse(Files.readAllBytes(EXAMPLES.resolve(name + ".yaml")), parameters);
  }

  @Test
  void shouldReadEveryExample() throws IOException {
    try (var files = Files.newDirectoryStream(EXAMPLES, "*.yaml")) {
      for (var file : files) {
        var name = file.getFileName().toString().replace(".yaml", "");
        var job = read(name, Map.of("DATA", "/data"));
        assertThat(job.name()).isEqualTo(name);
        assertThat(JobFiles.parse(JobFiles.toJson(job))).isEqualTo(job);
      }
    }
  }

  @Test
  void shouldTrainFashionMnistOnFortyLabelsAClass() throws IOException {
    var job = read("fashion-mnist", Map.of("DATA", "/data", "SEED", "3", "ESTIMATOR", "flipped"));
    assertThat(job.seed()).isEqualTo(3);
    assertThat(job.data().path()).isEqualTo("/data/fashion-mnist");
    assertThat(job.data().labeledPerClass()).isEqualTo(40);
    assertThat(job.training().labeledBatch()).isEqualTo(32);
    assertThat(job.training().unlabeledBatch()).isEqualTo(128);
    assertThat(job.algorithm().name()).isEqualTo(Name.META_PSEUDO_LABELS);
    assertThat(job.algorithm().feedback().estimator()).isEqualTo(Estimator.FLIPPED);
  }

  /** A comparison at equal labels is only one when nothing but the method differs. */
  @ParameterizedTest
  @EnumSource(Name.class)
  void shouldCompareMethodsWithTheSameDataModelAndOptimizer(Name method) throws IOException {
    var name = method.name().toLowerCase(Locale.ROOT).replace('_', '-');
    var full = read("fashion-mnist", Map.of("DATA", "/data"));
    var job = read("fashion-mnist", Map.of("DATA", "/data", "ALGORITHM", name));
    assertThat(job.algorithm().name()).isEqualTo(method);
    assertThat(job).usingRecursiveComparison().ignoringFields("algorithm.name").isEqualTo(full);
  }

  @Test
  void shouldTrainFlowersOnBothMeshesOfSixteenRanks() throws IOException {
    var job = read("flowers17-512", Map.of("DATA", "/data"));
    assertThat(job.mesh()).isEqualTo(new MeshSpec(2, 8));
    var other = read("flowers17-512", Map.of("DATA", "/data", "REPLICAS", "1", "SHARDS", "16"));
    assertThat(other.mesh()).isEqualTo(new MeshSpec(1, 16));
    assertThat(other.data().imageWidth()).isEqualTo(512);
    assertThat(other.model().stemStride()).isEqualTo(4);
  }
}
