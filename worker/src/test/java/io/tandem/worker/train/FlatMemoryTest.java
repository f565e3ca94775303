package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.MemoryKind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a whole training step takes from the engine, it gives back. */
class FlatMemoryTest {
  private static final int SETTLED = 3;
  private static final int STEPS = 40;

  @TempDir Path pictures;

  @ParameterizedTest
  @ValueSource(strings = {"per-example", "taylor", "cosine"})
  void shouldHoldTheSameBytesAfterEveryMetaPseudoLabelsStep(String estimator) {
    assertFlat("meta-pseudo-labels", estimator);
  }

  @Test
  void shouldHoldTheSameBytesAfterEveryUdaStep() {
    assertFlat("uda", "per-example");
  }

  private void assertFlat(String method, String estimator) {
    new PictureGenerator(5, 4, 4, 20, 2, 32).write(pictures, DataSpec.Format.CSV, 2);
    String yaml =
        """
        name: flat
        mesh: {replicas: 1, shards: 2}
        data: {format: csv, path: %s, imageHeight: 32, imageWidth: 32, channels: 3, classes: 4}
        model: {family: wide-resnet, stemChannels: 4, stemStride: 2, dropout: 0.1}
        algorithm: {name: %s, feedback: {estimator: %s}}
        training: {steps: %d, labeledBatch: 4, unlabeledBatch: 6}
        """
            .formatted(pictures, method, estimator, STEPS);
    JobSpec job = JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
    List<long[]> perRank =
        RankWorld.run(
            job,
            new Mesh(1, 2),
            1,
            (trainer, context) -> {
              long[] bytes = new long[STEPS];
              for (int step = 0; step < STEPS; step++) {
                trainer.advance();
                bytes[step] = inUse(context.engine());
              }
              return bytes;
            });
    for (long[] bytes : perRank) {
      assertThat(bytes[SETTLED]).isPositive();
      assertThat(Arrays.copyOfRange(bytes, SETTLED, STEPS)).containsOnly(bytes[SETTLED]);
    }
  }

  private static long inUse(Engine engine) {
    return Arrays.stream(MemoryKind.values()).mapToLong(engine::bytes).sum();
  }
}
