package io.tandem.worker.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LogitsTest {
  @Test
  void shouldSmoothLabelsTowardsTheUniformDistribution() {
    assertThat(Logits.targets(new int[] {1}, 4, 0.2))
        .containsExactly(new double[] {0.05, 0.85, 0.05, 0.05}, within(1e-12));
  }

  @Test
  void shouldStayFiniteForLargeLogits() {
    double[] logits = {1000, 0, -1000, 0};
    assertThat(Logits.softmax(logits, 2, 1)).containsExactly(1, 0, 0, 1);
    assertThat(Logits.crossEntropy(logits, new double[] {0, 1, 0, 1}, 2)).containsExactly(1000, 0);
  }

  /** Chi-square over 10,000 samples of 3 classes; 13.8 is the 0.1 % bound of 2 degrees. */
  @Test
  void shouldSampleLabelsByTheirProbability() {
    double[] p = {0.2, 0.7, 0.1};
    int n = 10_000;
    double[] rows = new double[3 * n];
    Arrays.setAll(rows, i -> p[i % 3]);
    int[] counts = new int[3];
    for (int label : Logits.sample(rows, 3, 1, 2, LongStream.range(0, n).toArray())) {
      counts[label]++;
    }
    double chi = 0;
    for (int k = 0; k < 3; k++) {
      chi += (counts[k] - n * p[k]) * (counts[k] - n * p[k]) / (n * p[k]);
    }
    assertThat(chi).isLessThan(13.8);
  }

  @Test
  void shouldSampleBySeedStepAndSampleAloneWhateverStandsBeside() {
    double[] even = new double[2 * 200];
    Arrays.fill(even, 0.5);
    long[] samples = LongStream.range(0, 200).toArray();
    int[] all = Logits.sample(even, 2, 1, 2, samples);
    int[] tail =
        Logits.sample(Arrays.copyOf(even, 2 * 50), 2, 1, 2, Arrays.copyOfRange(samples, 150, 200));
    assertThat(tail).isEqualTo(Arrays.copyOfRange(all, 150, 200));
    assertThat(Logits.sample(even, 2, 1, 3, samples)).isNotEqualTo(all);
    assertThat(Logits.sample(even, 2, 2, 2, samples)).isNotEqualTo(all);
  }
}
