package io.tandem.worker.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.job.TrainingSpec.OptimizerSpec;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  private static final OptimizerSpec SPEC = new OptimizerSpec(0.4, 4, 10, 0.9, true, 0, 0);
  private static final long STEPS = 114;

  @Test
  void shouldWaitThenWarmUpThenFollowACosineToZero() {
    assertThat(rate(0)).isZero();
    assertThat(rate(9)).isZero();
    // The ramp begins after the wait, not at step 0 of the job.
    assertThat(rate(10)).isCloseTo(0.1, within(1e-12));
    assertThat(rate(12)).isCloseTo(0.3, within(1e-12));
    assertThat(rate(13)).isCloseTo(0.4, within(1e-12));
    assertThat(rate(14)).isCloseTo(0.4, within(1e-12));
    assertThat(rate(64)).isCloseTo(0.2, within(1e-12));
    assertThat(rate(39)).isCloseTo(0.2 * (1 + Math.sqrt(0.5)), within(1e-12));
    assertThat(rate(114)).isCloseTo(0, within(1e-12));
    assertThat(rate(1000)).isCloseTo(0, within(1e-12));
  }

  @Test
  void shouldBeginAtItsPeakWithoutWaitAndWarmUp() {
    assertThat(Schedule.rate(new OptimizerSpec(0.4, 0, 0, 0.9, true, 0, 0), 0, 100)).isEqualTo(0.4);
  }

  private static double rate(long step) {
    return Schedule.rate(SPEC, step, STEPS);
  }
}
