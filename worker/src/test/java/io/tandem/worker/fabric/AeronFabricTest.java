package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.driver.ext.LossGenerator;
import io.aeron.driver.ext.RandomLossGenerator;
import io.aeron.protocol.DataHeaderFlyweight;
import io.tandem.worker.collective.CollectiveChecks;
import io.tandem.worker.collective.FabricCommunicator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages between workers over Aeron, also where packets are lost. */
class AeronFabricTest {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldGiveTheClosedFormAnswersBetweenWorkers(boolean shareDriver) {
    try (Workers world = Workers.open(2, 2, shareDriver)) {
      for (int count : new int[] {0, 1, 97, 9973, 100_003}) {
        CollectiveChecks.checkAll(world.ranks(), count, (f, m) -> new FabricCommunicator(f, m, 0));
      }
      assertThat(world.workers.get(0).counters().bytesSent()).isPositive();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldCarryMessagesLargerThanATerm(boolean shareDriver) {
    try (Workers world = Workers.open(2, 1, shareDriver)) {
      world.exchange(2 * Channels.TERM_BYTES + 12_345);
      world.exchange(0);
      world.exchange(1);
    }
  }

  /** Adds up where the pieces lie; the buffer's bytes are their indices. */
  private static final class Pieces implements Fabric.Sink {
    int next;
    boolean aligned = true;

    @Override
    public void accept(int at, ByteBuffer from, int fromIndex, int count) {
      aligned &= at == next && at % ALIGNMENT == 0;
      for (int i = 0; i < count; i++) {
        aligned &= from.get(fromIndex + i) == (byte) ((at + i) * 31);
      }
      next += count;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldHandAMessageToASinkInOrderWhetherItCameEarlyOrNot(boolean shareDriver) {
    int bytes = 300_004;
    ByteBuffer data = ByteBuffer.allocate(bytes);
    for (int i = 0; i < bytes; i++) {
      data.put(i, (byte) (i * 31));
    }
    try (Workers world = Workers.open(2, 1, shareDriver)) {
      Fabric zero = world.rank(0);
      Fabric one = world.rank(1);
      for (boolean early : new boolean[] {true, false, true, false}) {
        Pieces pieces = new Pieces();
        if (early) {
          long before = world.workers.get(1).counters().bytesReceived();
          zero.await(zero.send(1, 6, data));
          Workers.await(
              () -> world.workers.get(1).counters().bytesReceived() == before + bytes,
              "the message at rank 1");
        }
        Fabric.Operation receive = one.receive(0, 6, bytes, pieces);
        if (!early) {
          zero.await(zero.send(1, 6, data));
        }
        one.await(receive);
        assertThat(pieces.next).isEqualTo(bytes);
        assertThat(pieces.aligned).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldMoveWhatWasBegunWhileTheRanksCompute(boolean shareDriver) {
    try (Workers world = Workers.open(2, 1, shareDriver)) {
      ByteBuffer into = ByteBuffer.allocate(2 * Channels.TERM_BYTES);
      Fabric.Operation receive = world.rank(1).receive(0, 2, into);
      ByteBuffer data = ByteBuffer.allocate(into.capacity()).put(into.capacity() - 1, (byte) 5);
      Fabric.Operation send = world.rank(0).send(1, 2, data);
      Workers.await(() -> send.done() && receive.done(), "a message that nobody helps along");
      assertThat(into.get(into.capacity() - 1)).isEqualTo((byte) 5);
    }
  }

  @Test
  void shouldServeWorkersThatShareAnExternalDriver() {
    try (Driver external = Driver.embedded("external", 1, context -> {});
        Workers world =
            Workers.open(
                2, 2, true, s -> s.withAeronDirectory(external.directory()), context -> {})) {
      CollectiveChecks.checkAll(world.ranks(), 20_000, (f, m) -> new FabricCommunicator(f, m, 0));
    }
  }

  @Test
  void shouldConnectThreeWorkersOfOneRank() {
    try (Workers world = Workers.open(3, 1, false)) {
      CollectiveChecks.checkAll(world.ranks(), 20_000, (f, m) -> new FabricCommunicator(f, m, 0));
    }
  }

  @Test
  void shouldSurviveLoss() {
    try (Workers world =
        Workers.open(2, 2, false, s -> s, Workers.losing(new RandomLossGenerator(0.05)))) {
      for (int count : new int[] {1, 97, 9973, 100_003}) {
        CollectiveChecks.checkAll(world.ranks(), count, (f, m) -> new FabricCommunicator(f, m, 0));
      }
      assertThat(
              world.workers.get(0).counters().retransmits()
                  + world.workers.get(1).counters().retransmits())
          .isPositive();
    }
  }

  /**
   * Each message is lost once, and nothing is sent after it. It is asked for as soon as anything
   * shows that it is missing: Aeron's heartbeat, which comes when nothing was sent for 100 ms, or
   * what this fabric sends after it.
   */
  @Test
  void shouldNotWaitForAHeartbeatWhereTheLastFrameIsLost() {
    int messages = 40;
    int bytes = 1000;
    Set<Integer> lost = ConcurrentHashMap.newKeySet();
    AtomicInteger heartbeats = new AtomicInteger();
    LossGenerator first =
        (address, buffer, length) -> {
          if (DataHeaderFlyweight.isHeartbeat(buffer, length)) {
            heartbeats.incrementAndGet();
          }
          return length > bytes
              && lost.add(buffer.getInt(DataHeaderFlyweight.TERM_OFFSET_FIELD_OFFSET));
        };
    int withoutHeartbeat = 0;
    try (Workers world = Workers.open(2, 1, false, s -> s, Workers.losing(first))) {
      for (int i = 0; i < messages; i++) {
        int before = heartbeats.get();
        Fabric.Operation receive = world.rank(1).receive(0, 3, ByteBuffer.allocate(bytes));
        world.rank(0).await(world.rank(0).send(1, 3, ByteBuffer.allocate(bytes)));
        world.rank(1).await(receive);
        withoutHeartbeat += heartbeats.get() == before ? 1 : 0;
      }
    }
    assertThat(lost).hasSize(messages);
    // A machine that is busy may let one come before what it is to forestall.
    assertThat(withoutHeartbeat).isGreaterThan(messages / 2);
  }

  @Test
  void shouldHoldSendersUpWhenTooMuchLiesUnread() {
    try (Workers world =
        Workers.open(
            2,
            1,
            true,
            s ->
                new FabricSettings(
                    s.bindHost(),
                    s.dataPort(),
                    null,
                    s.connectTimeout(),
                    s.silence(),
                    s.timeout(),
                    1000,
                    null),
            context -> {})) {
      Fabric zero = world.rank(0);
      Fabric one = world.rank(1);
      for (int i = 0; i < 4; i++) {
        zero.send(1, i, ByteBuffer.allocate(600).put(0, (byte) i));
      }
      Workers.await(() -> world.workers.get(1).counters().bufferStalls() > 0, "a stall");
      for (int i = 0; i < 4; i++) {
        ByteBuffer into = ByteBuffer.allocate(600);
        one.await(one.receive(0, i, into));
        assertThat(into.get(0)).isEqualTo((byte) i);
      }
    }
  }

  @Test
  void shouldLeaveNoDirectoryBehind() throws IOException {
    Workers.open(2, 1, false).close();
    try (Stream<Path> left = Files.list(DriverDirectories.parent())) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .noneMatch(name -> name.contains("-" + ProcessHandle.current().pid() + "-"));
    }
  }
}
