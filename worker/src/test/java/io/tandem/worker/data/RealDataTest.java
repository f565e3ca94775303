package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec.Format;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The published sets, where they are at hand. */
@Timeout(value = 6, unit = TimeUnit.MINUTES) // the loader itself gives up after 5
class RealDataTest {
  @Test
  void shouldReadFashionMnist() {
    Path path = Specs.real("fashion-mnist");
    TrainingData data =
        TrainingData.open(Specs.of(Format.IDX, path, 28, 1, 10, 40), 1, (n, r, o) -> {});
    assertThat(data.trainCount()).isEqualTo(60_000);
    assertThat(data.testCount()).isEqualTo(10_000);
    assertThat(data.labeledSamples()).hasSize(400);
    BatchPlan plan = data.plan(BatchPlan.Phase.MAIN, 32, 64);
    Needs all = new Needs(true, true, true);
    try (BatchLoader loader = new BatchLoader(data, plan, all, new Mesh(1, 1), new Rank(0, 0))) {
      EvaluationBatch test = loader.evaluation(0, 10_000);
      // The mean pixel of Fashion-MNIST's test images is 0.2868.
      double mean =
          IntStream.range(0, test.images().length)
              .mapToDouble(i -> test.images()[i])
              .average()
              .orElseThrow();
      assertThat(mean).isBetween(0.286, 0.2875);
      assertThat(IntStream.of(test.labels()).filter(k -> k == 9).count()).isEqualTo(1000);
      assertThat(loader.next(0).unlabeledStrong()).hasSize(64 * 28 * 28);
    }
  }

  @Test
  void shouldReadFlowers() {
    Path path = Specs.real("flowers17-512");
    TrainingData data =
        TrainingData.open(Specs.of(Format.CSV, path, 512, 3, 17, 0), 1, (n, r, o) -> {});
    assertThat(data.trainCount()).isEqualTo(170 + 765);
    assertThat(data.testCount()).isEqualTo(340);
    assertThat(data.labeledSamples()).hasSize(170);
    BatchPlan plan = data.plan(BatchPlan.Phase.MAIN, 4, 4);
    Needs all = new Needs(true, true, true);
    try (BatchLoader loader = new BatchLoader(data, plan, all, new Mesh(1, 1), new Rank(0, 0))) {
      Batch batch = loader.next(0);
      assertThat(batch.labeledWeak()).hasSize(4 * 512 * 512 * 3);
      assertThat(IntStream.of(batch.labels())).allMatch(k -> k >= 0 && k < 17);
      assertThat(data.brokenCount()).isZero();
    }
  }
}
