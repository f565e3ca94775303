package io.tandem.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import io.tandem.worker.fabric.Ranks;
import io.tandem.worker.fabric.Transport;
import io.tandem.worker.fabric.Workers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeasuredCommunicatorTest {
  private record Call(Collective collective, Transport transport, int members, long bytes) {}

  @Test
  void shouldTellOfEveryKindOfCallAndStillGiveTheAnswers() {
    List<Fabric> world = InProcessFabric.world(3, Duration.ofSeconds(30));
    List<Call> calls = new ArrayList<>();
    CollectiveListener listener =
        (collective, transport, members, bytes, nanos) -> {
          synchronized (calls) {
            assertThat(nanos).isPositive();
            calls.add(new Call(collective, transport, members, bytes));
          }
        };
    CollectiveChecks.checkAll(
        world,
        30,
        (fabric, members) ->
            MeasuredCommunicator.of(new FabricCommunicator(fabric, members, 0), listener));
    Transport inProcess = Transport.IN_PROCESS;
    assertThat(calls)
        .contains(
            new Call(Collective.ALL_REDUCE, inProcess, 3, 120),
            new Call(Collective.ALL_REDUCE, inProcess, 3, 240),
            new Call(Collective.REDUCE_SCATTER, inProcess, 3, 360),
            new Call(Collective.ALL_GATHER, inProcess, 3, 90),
            new Call(Collective.BROADCAST, inProcess, 3, 30),
            new Call(Collective.BARRIER, inProcess, 3, 0))
        .anyMatch(call -> call.collective() == Collective.ALL_TO_ALL && call.bytes() > 15);
    assertThat(calls).hasSize(3 * 9);
  }

  @ParameterizedTest
  @CsvSource({"true, IPC", "false, UDP"})
  void shouldNameTheWayToTheFarthestPeer(boolean shareDriver, Transport expected) {
    try (Workers world = Workers.open(2, 2, shareDriver)) {
      List<Transport> ways = new ArrayList<>();
      CollectiveListener listener =
          (collective, transport, members, bytes, nanos) -> {
            synchronized (ways) {
              ways.add(transport);
            }
          };
      Ranks.run(
          world.ranks(),
          fabric -> {
            int[] group = fabric.rank() < 2 ? new int[] {0, 1} : new int[] {2, 3};
            var within = new FabricCommunicator(fabric, group, 0);
            MeasuredCommunicator.of(within, listener)
                .allReduce(ByteBuffer.allocate(4), ElementType.FLOAT32);
            return null;
          });
      assertThat(ways).containsOnly(Transport.IN_PROCESS).hasSize(4);
      ways.clear();
      Ranks.run(
          world.ranks(),
          fabric -> {
            var all = new FabricCommunicator(fabric, new int[] {0, 1, 2, 3}, 16);
            MeasuredCommunicator.of(all, listener).barrier();
            return null;
          });
      assertThat(ways).containsOnly(expected).hasSize(4);
    }
  }

  @Test
  void shouldLeaveACommunicatorOfOneMemberAsItIs() {
    Fabric alone = InProcessFabric.world(1, Duration.ofSeconds(1)).get(0);
    var one = new FabricCommunicator(alone, new int[] {0}, 0);
    assertThat(MeasuredCommunicator.of(one, (c, t, m, b, n) -> {})).isSameAs(one);
  }
}
