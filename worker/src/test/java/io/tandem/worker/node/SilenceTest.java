package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SilenceTest {
  private static long seconds(long count) {
    return Duration.ofSeconds(count).toNanos();
  }

  @Test
  void shouldBeToldSoonThenLessOftenAndSoonAgainAfterAWord() {
    long began = -seconds(3); // as System.nanoTime may be
    Silence silence = new Silence(Duration.ofSeconds(5), began);
    List<Long> told = new ArrayList<>();
    for (long second = 0; second <= 1500; second++) {
      if (silence.isToBeTold(began + seconds(second))) {
        told.add(second);
      }
    }
    assertThat(told).containsExactly(5L, 15L, 35L, 75L, 155L, 315L, 615L, 915L, 1215L);
    assertThat(silence.length(began + seconds(1500))).hasSeconds(1500);
    silence.heard(began + seconds(1501));
    assertThat(silence.isToBeTold(began + seconds(1505))).isFalse();
    assertThat(silence.isToBeTold(began + seconds(1506))).isTrue();
  }
}
