package io.tandem.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import io.tandem.worker.fabric.Ranks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FabricCommunicatorTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 8, 16})
  void shouldGiveTheClosedFormAnswerForAnyCountAndSize(int ranks) {
    List<Fabric> world = InProcessFabric.world(ranks, TIMEOUT);
    for (int count : new int[] {0, 1, 2, 7, 97, 1000, 9973, 100_003}) {
      CollectiveChecks.checkAll(world, count, (f, m) -> new FabricCommunicator(f, m, 0));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 8})
  void shouldGiveTheSameAnswerInManySmallSegments(int ranks) {
    List<Fabric> world = InProcessFabric.world(ranks, TIMEOUT);
    for (int count : new int[] {0, 1, 2, 3, 7, 16, 17, 33, 100, 501}) {
      CollectiveChecks.checkAll(
          world, count, (f, m) -> new FabricCommunicator(f, m, 32, 0, 0, 16, 64));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5, 16})
  void shouldGiveTheSameBitsInProcessAsAroundTheRing(int ranks) {
    for (int count : new int[] {1, 2, 7, 501, 9973}) {
      List<ByteBuffer> around = reduceRandoms(ranks, count, 0);
      assertThat(reduceRandoms(ranks, count, 1 << 20)).isEqualTo(around);
    }
  }

  /** What all-reduce, then what reduce-scatter gave each member. */
  private static List<ByteBuffer> reduceRandoms(int ranks, int count, int smallInProcessBytes) {
    return Ranks.run(
        InProcessFabric.world(ranks, TIMEOUT),
        fabric -> {
          var all =
              new FabricCommunicator(
                  fabric, IntStream.range(0, ranks).toArray(), 0, 0, smallInProcessBytes, 16, 1024);
          ByteBuffer both = CollectiveChecks.buffer(8L * count);
          ByteBuffer data = both.slice(8, 4 * count).order(ByteOrder.nativeOrder());
          ByteBuffer chunks = CollectiveChecks.buffer(4L * count * ranks);
          Random random = new Random(fabric.rank());
          for (int i = 0; i < count; i++) {
            data.putFloat(4 * i, (float) random.nextGaussian());
          }
          for (int i = 0; i < count * ranks; i++) {
            chunks.putFloat(8 + 4 * i, (float) random.nextGaussian());
          }
          all.allReduce(data, ElementType.FLOAT32);
          all.reduceScatter(chunks, both.slice(8 + 4 * count, 4 * count), ElementType.FLOAT32);
          return both;
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 5, 8})
  void shouldGiveEveryMemberAndEveryRunTheSameBits(int ranks) {
    for (int count : new int[] {11, 40_001}) {
      List<ByteBuffer> first = reduceRandoms(ranks, count);
      assertThat(new HashSet<>(first)).hasSize(1);
      assertThat(reduceRandoms(ranks, count)).isEqualTo(first);
    }
  }

  private static List<ByteBuffer> reduceRandoms(int ranks, int count) {
    return Ranks.run(
        InProcessFabric.world(ranks, TIMEOUT),
        fabric -> {
          ByteBuffer data = CollectiveChecks.buffer(4L * count);
          Random random = new Random(fabric.rank());
          for (int i = 0; i < count; i++) {
            data.putFloat(8 + 4 * i, (float) random.nextGaussian());
          }
          new FabricCommunicator(fabric, IntStream.range(0, ranks).toArray(), 0)
              .allReduce(data, ElementType.FLOAT32);
          return data;
        });
  }

  @Test
  void shouldServeSeveralAxesOfAMeshAtOnce() {
    List<Double> sums =
        Ranks.run(
            InProcessFabric.world(6, TIMEOUT),
            fabric -> {
              int replica = fabric.rank() / 3;
              int shard = fabric.rank() % 3;
              int[] group = {replica * 3 + 2, replica * 3, replica * 3 + 1};
              int[] twins = {shard, shard + 3};
              ByteBuffer data = CollectiveChecks.buffer(8);
              data.putDouble(8, fabric.rank());
              new FabricCommunicator(fabric, group, 0).allReduce(data, ElementType.FLOAT64);
              new FabricCommunicator(fabric, twins, FabricCommunicator.TAGS)
                  .allReduce(data, ElementType.FLOAT64);
              return data.getDouble(8);
            });
    assertThat(sums).containsOnly(15.0);
  }

  @Test
  void shouldNameTheMistakeInSizesAndMembers() {
    Fabric fabric = InProcessFabric.world(2, TIMEOUT).get(0);
    Communicator all = new FabricCommunicator(fabric, new int[] {0, 1}, 0);
    ByteBuffer three = ByteBuffer.allocate(3);
    assertThatThrownBy(() -> all.allReduce(three, ElementType.FLOAT32))
        .hasMessage("3 bytes are no whole number of FLOAT32 elements");
    assertThatThrownBy(() -> all.allGather(three, ByteBuffer.allocate(7)))
        .hasMessage("allGather: out has 7 bytes, 2 members x 3 bytes of in = 6");
    assertThatThrownBy(() -> new FabricCommunicator(fabric, new int[] {1, 1}, 0))
        .hasMessage("members [1, 1] must be distinct and hold rank 0");
  }
}
