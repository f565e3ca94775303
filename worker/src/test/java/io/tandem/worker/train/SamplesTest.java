package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.control.SampleLimits;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SamplesTest {
  @Test
  void shouldSpreadOverAllTestImages() {
    assertThat(Samples.spread(80, 32, 1)).containsExactly(0, 10, 20, 30, 40, 50, 60, 70);
    assertThat(Samples.spread(3, 32, 1)).containsExactly(0, 1, 2);
    assertThat(Samples.spread(0, 32, 1)).isEmpty();
  }

  /** Of batches 0..7 and 8..11 the first of two replicas evaluates 0..3 and 8..9. */
  @Test
  void shouldTakeOnlyWhatTheFirstReplicaEvaluates() {
    assertThat(Samples.spread(12, 8, 2)).containsExactly(0, 1, 2, 3, 8, 9);
  }

  @Property(tries = 200)
  void shouldStayWithinTheLimits(
      @ForAll @IntRange(max = 2000) int tests,
      @ForAll @IntRange(min = 1, max = 300) int batch,
      @ForAll @IntRange(min = 1, max = 9) int replicas) {
    assertThat(Samples.spread(tests, batch, replicas))
        .hasSizeLessThanOrEqualTo(SampleLimits.MOST)
        .allMatch(place -> place >= 0 && place < tests);
  }

  @Test
  void shouldHearOnlyWhatWasAskedFor() {
    Opinions opinions = new Opinions(Set.of(5, 9));
    opinions.hear(0, new double[] {9, 0, 9, 0, 9, 0, 9, 0}, 2); // places 0..3
    opinions.hear(4, new double[] {9, 0, 0, Math.log(3), 9, 0}, 2); // places 4..6
    assertThat(opinions.of(5).getLabel()).isEqualTo(1);
    assertThat(opinions.of(5).getProbability()).isCloseTo(0.75, within(1e-12));
    assertThatThrownBy(() -> opinions.of(9)).hasMessageContaining("test image 9");
  }
}
