package io.tandem.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
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

  @ParameterizedTest
  @EnumSource(names = {"ALL_REDUCE", "REDUCE_SCATTER", "ALL_GATHER", "HALO"})
  void shouldCountAsBusBandwidthWhatARankSends(Collective collective) throws Exception {
    int bytes = 1 << 20;
    List<Fabric> world = InProcessFabric.world(4, Duration.ofSeconds(30));
    ExecutorService threads = Executors.newFixedThreadPool(world.size());
    try {
      List<Future<Long>> sent =
          threads.invokeAll(
              world.stream().map(fabric -> sentInOneCall(collective, fabric, bytes)).toList());
      for (Future<Long> rank : sent) {
        assertThat((double) rank.get()).isEqualTo(collective.busFactor(world.size()) * bytes);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static Callable<Long> sentInOneCall(Collective collective, Fabric fabric, int bytes) {
    AtomicLong sent = new AtomicLong();
    Fabric counting =
        (Fabric)
            Proxy.newProxyInstance(
                Fabric.class.getClassLoader(),
                new Class<?>[] {Fabric.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("send")) {
                    sent.addAndGet(((ByteBuffer) arguments[2]).remaining());
                  }
                  return method.invoke(fabric, arguments);
                });
    int[] members = IntStream.range(0, fabric.size()).toArray();
    Communicator all = new FabricCommunicator(counting, members, 0);
    return () -> {
      CollectiveBenchmark.call(collective, counting, all, bytes).run();
      return sent.get();
    };
  }

  private static double bandwidth(Collective collective, long[] nanos) {
    return CollectiveBenchmark.result(collective, "ipc", 4, 1_000_000, nanos)
        .busGigabytesPerSecond();
  }
}
