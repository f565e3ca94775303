package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.engine.DType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyTest {
  @TempDir Path pictures;

  /** With float32's roundings away, what is left of a mistake would show. */
  @ParameterizedTest
  @ValueSource(
      strings = {"taylor", "dot-product", "cosine", "per-example", "all-labels", "flipped", "off"})
  void shouldFindNoDifferenceInFloat64(String estimator) {
    new PictureGenerator(5, 4, 6, 12, 1, 32).write(pictures, DataSpec.Format.CSV, 2);
    String yaml =
        """
        name: verify
        data: {format: csv, path: %s, imageHeight: 32, imageWidth: 32, channels: 3, classes: 4}
        model: {family: wide-resnet, stemChannels: 4, stemStride: 2, dropout: 0.2}
        algorithm: {name: meta-pseudo-labels, feedback: {estimator: "%s", scale: 50}}
        training: {steps: 100, labeledBatch: 7, unlabeledBatch: 9}
        """
            .formatted(pictures, estimator);
    var job = JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
    for (Verify.Row row : Verify.run(job, new int[] {2, 3, 16}, 2, DType.FLOAT64)) {
      assertThat(row.output().relative()).as("%s", row).isBetween(1e-18, 1e-10);
      assertThat(row.gradients().relative()).as("%s", row).isBetween(1e-18, 1e-10);
      assertThat(row.statistics().relative()).as("%s", row).isLessThan(1e-7);
      assertThat(row.weights().relative()).as("%s", row).isBetween(1e-18, 1e-10);
    }
  }

  @Test
  void shouldHoldEachDifferenceAgainstTheTolerance() {
    Verify.Difference none = Verify.Difference.NONE;
    Verify.Difference large = new Verify.Difference(1e-9, 0.02);
    assertThat(new Verify.Row(2, none, none, none, none).within(0.01)).isTrue();
    assertThat(new Verify.Row(2, large, none, none, none).within(0.01)).isFalse();
    assertThat(new Verify.Row(2, none, large, none, none).within(0.01)).isFalse();
    assertThat(new Verify.Row(2, none, none, large, none).within(0.01)).isFalse();
    assertThat(new Verify.Row(2, none, none, none, large).within(0.01)).isFalse();
    assertThat(large.max(new Verify.Difference(1, 0))).isEqualTo(new Verify.Difference(1, 0.02));
  }

  @Test
  void shouldLetNoToleranceHideWhatIsNoNumber() {
    double nan = Double.NaN;
    double infinite = Double.POSITIVE_INFINITY;
    Verify.Difference none = new Verify.Difference(infinite, infinite);
    for (double[][] pair :
        new double[][][] {
          {{1, 2}, {nan, 2}},
          {{nan, 2}, {1, 2}},
          {{nan, 2}, {nan, 2}},
          {{1, 2}, {1, infinite}},
          {{1, -infinite}, {1, 2}},
          {{infinite, 2}, {infinite, 2}},
        }) {
      Verify.Difference found =
          Verify.difference(
              List.of(new double[] {3}, pair[0], new double[] {4}),
              List.of(new double[] {3}, pair[1], new double[] {5}));
      assertThat(found).as("%s", Arrays.deepToString(pair)).isEqualTo(none);
      assertThat(new Verify.Row(2, found, found, found, found).within(1e300)).isFalse();
    }
    assertThat(Verify.difference(List.of(new double[] {4}), List.of(new double[] {5})))
        .isEqualTo(new Verify.Difference(1, 0.25));
  }
}
