package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.job.AlgorithmSpec.Estimator;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The noise of the feedback on a convolutional network in float32. */
class FeedbackBenchmarkTest {
  @TempDir static Path pictures;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  @Test
  void shouldRankTheEstimatorsAndFindThemUnbiased() {
    List<FeedbackBenchmark.Row> rows =
        FeedbackBenchmark.run(LocalJobs.job(pictures, "meta-pseudo-labels", 1, 1, 10), 2, 40, 1);
    assertThat(rows).hasSize(9);
    for (FeedbackBenchmark.Row row : rows) {
      if (row.estimator() != Estimator.COSINE) {
        assertThat(row.scale() - 1)
            .as("%s", row)
            .isBetween(-0.1 - 4 * row.scaleError(), 0.1 + 4 * row.scaleError());
      }
    }
    double allLabels = variance(rows, Estimator.ALL_LABELS, true);
    double perExample = variance(rows, Estimator.PER_EXAMPLE, true);
    double taylor = variance(rows, Estimator.TAYLOR, true);
    assertThat(allLabels).isLessThan(0.5 * perExample);
    assertThat(perExample).isLessThan(0.5 * taylor);
  }

  @Test
  void shouldOnlyMeasureWhatHasFeedback() {
    assertThatThrownBy(
            () -> FeedbackBenchmark.run(LocalJobs.job(pictures, "uda", 1, 1, 10), 0, 4, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static double variance(
      List<FeedbackBenchmark.Row> rows, Estimator estimator, boolean baseline) {
    return rows.stream()
        .filter(r -> r.estimator() == estimator && r.baseline() == baseline)
        .findFirst()
        .orElseThrow()
        .variance();
  }
}
