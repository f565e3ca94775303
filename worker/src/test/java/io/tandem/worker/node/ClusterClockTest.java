package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ClusterClockTest {
  private static final long FIVE_MINUTES = 300_000;
  private long wall = 1_000_000;
  private long nanos = 7_000_000_000L;
  private final ClusterClock clock = new ClusterClock(() -> wall, () -> nanos);

  private void pass(long millis) {
    wall += millis;
    nanos += millis * 1_000_000;
  }

  @Test
  void shouldGoByThisHostsClockUntilACoordinatorIsHeard() {
    assertThat(clock.now()).isEqualTo(wall);
    clock.heard(0); // of an older release, which does not say
    pass(10);
    assertThat(clock.now()).isEqualTo(wall);
  }

  @Test
  void shouldGoByTheCoordinatorsClockFromThenOn() {
    clock.heard(wall + FIVE_MINUTES);
    pass(1234);
    assertThat(clock.now()).isEqualTo(wall + FIVE_MINUTES);
    wall -= 2 * FIVE_MINUTES; // somebody sets this host's clock
    assertThat(clock.now()).isEqualTo(wall + 3 * FIVE_MINUTES);
  }

  @Test
  void shouldNotBeMisledByAMessageThatIsLate() {
    clock.heard(wall - FIVE_MINUTES);
    long said = wall - FIVE_MINUTES;
    pass(400);
    clock.heard(said);
    assertThat(clock.now()).isEqualTo(wall - FIVE_MINUTES);
  }

  @Test
  void shouldFollowACoordinatorsClockThatIsSetBack() {
    clock.heard(wall + FIVE_MINUTES);
    clock.heard(wall);
    assertThat(clock.now()).isEqualTo(wall);
  }

  @Test
  void shouldSayOnceThatThisHostsClockDiffers() {
    assertThat(clock.heard(wall + FIVE_MINUTES)).isFalse();
    pass(3000);
    assertThat(clock.heard(wall + FIVE_MINUTES)).isTrue();
    pass(3000);
    assertThat(clock.heard(wall + FIVE_MINUTES)).isFalse();
  }

  /** After a cut of a host from the network. */
  @Test
  void shouldNotSaySoOfMessagesThatComeLateAllAtOnce() {
    clock.heard(wall);
    for (int late = 20_000; late >= 0; late -= 1000) {
      assertThat(clock.heard(wall - late)).isFalse();
    }
    pass(60_000);
    assertThat(clock.heard(wall)).isFalse();
    assertThat(clock.now()).isEqualTo(wall);
  }
}
