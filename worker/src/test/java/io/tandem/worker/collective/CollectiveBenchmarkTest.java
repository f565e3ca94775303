package io.tandem.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CollectiveBenchmarkTest {
  @ParameterizedTest
  @EnumSource(names = {"ALL_REDUCE", "REDUCE_SCATTER", "ALL_GATHER", "HALO"})
  void shouldTimeEveryCollective(Collective collective) throws InterruptedException {
    List<Fabric> world = InProcessFabric.world(3, Duration.ofSeconds(30));
    long[] nanos = CollectiveBenchmark.time(collective, world, 65_536);
    assertThat(nanos).isNotEmpty();
    for (long one : nanos) {
      assertThat(one).isPositive();
    }
  }

  @Test
  void shouldComputeBusBandwidthAsNcclTestsDoes() {
    long[] millisecond = {900_000, 1_000_000, 5_000_000};
    assertThat(bandwidth(Collective.ALL_REDUCE, millisecond)).isCloseTo(1.5, within(1e-9));
    assertThat(bandwidth(Collective.ALL_GATHER, millisecond)).isCloseTo(0.75, within(1e-9));
    assertThat(bandwidth(Collective.REDUCE_SCATTER, millisecond)).isCloseTo(0.75, within(1e-9));
    assertThat(bandwidth(Collective.HALO, millisecond)).isCloseTo(1, within(1e-9));
  }

  private static double bandwidth(Collective collective, long[] nanos) {
    return CollectiveBenchmark.result(collective, "ipc", 4, 1_000_000, nanos)
        .busGigabytesPerSecond();
  }
}
