package io.tandem.worker.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ConsistencyTest {
  /** Probabilities 0.6 0.4, and 0.9 0.1. */
  private static final double[] LOGITS = {Math.log(6), Math.log(4), Math.log(9), 0};

  @Test
  void shouldSharpenUdasTargetsAndKeepTheConfidentOnes() {
    // At temperature 0.5 probabilities are squared: 36/52, 81/82. The threshold is of the
    // sharpened.
    Consistency c = Consistency.uda(LOGITS, 2, 0.5, 0.7);
    assertThat(c.targets())
        .containsExactly(new double[] {36 / 52.0, 16 / 52.0, 81 / 82.0, 1 / 82.0}, within(1e-12));
    assertThat(c.mask()).containsExactly(0, 1);
    assertThat(Consistency.uda(LOGITS, 2, 0.5, 0.69).mask()).containsExactly(1, 1);
    assertThat(Consistency.uda(LOGITS, 2, 1, 0.95).mask()).containsExactly(0, 0);
  }

  @Test
  void shouldTakeTheLikeliestClassAsPseudoLabel() {
    Consistency c = Consistency.pseudoLabels(LOGITS, 2, 0.7);
    assertThat(c.targets()).containsExactly(1, 0, 1, 0);
    assertThat(c.mask()).containsExactly(0, 1);
  }

  @Test
  void shouldGrowAWeightLinearlyOverItsRamp() {
    assertThat(Consistency.ramp(8, 4, 0)).isEqualTo(2);
    assertThat(Consistency.ramp(8, 4, 2)).isEqualTo(6);
    assertThat(Consistency.ramp(8, 4, 3)).isEqualTo(8);
    assertThat(Consistency.ramp(8, 4, 100)).isEqualTo(8);
    assertThat(Consistency.ramp(8, 0, 0)).isEqualTo(8);
  }
}
