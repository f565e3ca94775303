package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ext.DebugReceiveChannelEndpoint;
import io.aeron.driver.ext.LossGenerator;
import io.aeron.driver.ext.RandomLossGenerator;
import io.aeron.protocol.DataHeaderFlyweight;
import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Roster;
import io.tandem.worker.collective.CollectiveChecks;
import io.tandem.worker.collective.FabricCommunicator;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ObjIntConsumer;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AeronFabricTest {
  private static void exchange(Workers world, int bytes) {
    Ranks.run(
        world.ranks(),
        fabric -> {
          int peer = (fabric.rank() + fabric.size() / 2) % fabric.size();
          ByteBuffer out = ByteBuffer.allocateDirect(bytes);
          for (int i = 0; i < bytes; i++) {
            out.put(i, (byte) (fabric.rank() + i * 31 + i / 1000));
          }
          ByteBuffer in = ByteBuffer.allocateDirect(bytes);
          Fabric.Operation send = fabric.send(peer, 5, out);
          fabric.await(fabric.receive(peer, 5, in));
          fabric.await(send);
          for (int i = 0; i < bytes; i++) {
            if (in.get(i) != (byte) (peer + i * 31 + i / 1000)) {
              throw new AssertionError("byte " + i + " from rank " + peer + " is wrong");
            }
          }
          return null;
        });
  }

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
      exchange(world, 2 * Channels.TERM_BYTES + 12_345);
      exchange(world, 0);
      exchange(world, 1);
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

  private static void loseReceived(MediaDriver.Context context, LossGenerator loss) {
    context.receiveChannelEndpointSupplier(
        (channel, dispatcher, status, driver) ->
            new DebugReceiveChannelEndpoint(channel, dispatcher, status, driver, loss, loss));
  }

  @Test
  void shouldSurviveLoss() {
    try (Workers world =
        Workers.open(
            2, 2, false, s -> s, context -> loseReceived(context, new RandomLossGenerator(0.05)))) {
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
   * Of what is asked for, each message is lost once; nothing is sent after it but its followers.
   */
  @Test
  void shouldNotWaitForAHeartbeatWhereTheLastFrameIsLost() {
    int messages = 40;
    int bytes = 1000;
    Set<Integer> lost = ConcurrentHashMap.newKeySet();
    LossGenerator first =
        (address, buffer, length) ->
            length > bytes && lost.add(buffer.getInt(DataHeaderFlyweight.TERM_OFFSET_FIELD_OFFSET));
    try (Workers world =
        Workers.open(2, 1, false, s -> s, context -> loseReceived(context, first))) {
      long start = System.nanoTime();
      for (int i = 0; i < messages; i++) {
        Fabric.Operation receive = world.rank(1).receive(0, 3, ByteBuffer.allocate(bytes));
        world.rank(0).await(world.rank(0).send(1, 3, ByteBuffer.allocate(bytes)));
        world.rank(1).await(receive);
      }
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      assertThat(lost).hasSize(messages);
      // With heartbeats alone it would be 100 ms each.
      assertThat(took).isLessThan(Duration.ofMillis(50L * messages));
    }
  }

  @Test
  void shouldNameAPeerWhoseProcessFallsSilent() {
    AtomicBoolean silent = new AtomicBoolean();
    Duration silence = Duration.ofSeconds(2);
    try (Workers world =
        Workers.open(
            2,
            1,
            false,
            s -> s.withTimeouts(Workers.DEADLINE, silence, Workers.DEADLINE),
            context -> loseReceived(context, (address, buffer, length) -> silent.get()))) {
      silent.set(true);
      Fabric one = world.rank(1);
      long start = System.nanoTime();
      assertThatThrownBy(() -> one.await(one.receive(0, 9, ByteBuffer.allocate(4))))
          .isInstanceOfSatisfying(PeerLostException.class, lost -> assertThat(lost.peer()).isZero())
          .hasMessageMatching(
              "rank 1 waited .* s for 4 bytes of tag 9 from rank 0, but rank 0 is gone: nothing"
                  + " was heard from worker w0 for .* s");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }
  }

  @Test
  void shouldNotTakeAPeerForSilentThatComputesForLong() {
    Duration silence = Duration.ofMillis(800);
    try (Workers world =
        Workers.open(
            2,
            1,
            true,
            s -> s.withTimeouts(Workers.DEADLINE, silence, Duration.ofSeconds(3)),
            context -> {})) {
      Fabric zero = world.rank(0);
      // It outlasts the silence by far, and ends by the other deadline.
      assertThatThrownBy(() -> zero.await(zero.receive(1, 9, ByteBuffer.allocate(4))))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("rank 1 is silent")
          .hasMessageNotContaining("nothing was heard");
    }
  }

  @Test
  void shouldNameARankThatNeverSends() {
    try (Workers world =
        Workers.open(
            2,
            1,
            true,
            s -> s.withTimeouts(Workers.DEADLINE, Workers.DEADLINE, Duration.ofMillis(100)),
            context -> {})) {
      Fabric zero = world.rank(0);
      assertThatThrownBy(() -> zero.await(zero.receive(1, 9, ByteBuffer.allocate(4))))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("for 4 bytes of tag 9 from rank 1: rank 1 is silent");
    }
  }

  @Test
  void shouldEndWaitsInOtherWorkersWhenARankGivesUp() {
    try (Workers world = Workers.open(2, 2, false)) {
      Fabric three = world.rank(3);
      Fabric.Operation receive = three.receive(2, 0, ByteBuffer.allocate(1));
      world.rank(0).abort("loss is NaN");
      assertThatThrownBy(() -> three.await(receive))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("rank 0 gave up: loss is NaN");
    }
  }

  @Test
  void shouldDeliverWhatWasSentBeforeAWorkerLeftAndThenSayItLeft() {
    try (Workers world = Workers.open(2, 1, false)) {
      Fabric zero = world.rank(0);
      Fabric one = world.rank(1);
      zero.await(zero.send(1, 4, ByteBuffer.allocate(3 << 20).put(7, (byte) 42)));
      world.workers.get(0).close();
      ByteBuffer into = ByteBuffer.allocate(3 << 20);
      one.await(one.receive(0, 4, into));
      assertThat(into.get(7)).isEqualTo((byte) 42);
      assertThatThrownBy(() -> one.await(one.receive(0, 4, into)))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("worker w0 left the attempt");
    }
  }

  @Test
  void shouldNameTheWorkersThatAreMissingAtTheStart() {
    FabricSettings settings =
        FabricSettings.of("127.0.0.1", Workers.freePort())
            .withTimeouts(Duration.ofMillis(200), Workers.DEADLINE, Workers.DEADLINE);
    try (Workers world = Workers.open(2, 2, false)) {
      Roster another = new Roster("other job", 1, world.roster.mesh(), world.roster.members());
      assertThatThrownBy(() -> Fabrics.open(another, "w0", settings))
          .isInstanceOf(PeerLostException.class)
          .hasMessageStartingWith(
              "rank 0 of worker w0 waited 0.2 s for the hello of w1 (ranks [2, 3], 127.0.0.1:");
    }
  }

  @Test
  void shouldDropAndCountFramesThatAreTruncatedForeignOrOld() {
    try (Workers world = Workers.open(2, 1, false);
        RawSender raw = RawSender.toFirst(world)) {
      Fabrics target = world.workers.get(0);
      ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.HEADER_LENGTH + 4);
      Frame frame = new Frame().wrap(bytes, 0, bytes.capacity());
      int job = world.roster.jobId().hashCode();

      frame.begin(Frame.Kind.DATA, job, 2, 1).piece(0, 9, 0, 0, 4).seal();
      raw.offer(bytes, bytes.capacity());
      Workers.await(() -> target.counters().otherAttempt() == 1, "the old attempt's frame");

      frame.begin(Frame.Kind.DATA, job, 3, 1).piece(0, 9, 0, 0, 4).seal();
      raw.offer(bytes, bytes.capacity() - 1);
      Workers.await(() -> target.counters().truncated() == 1, "the truncated frame");

      frame.begin(Frame.Kind.DATA, job + 1, 3, 1).piece(0, 9, 0, 0, 4).seal();
      raw.offer(bytes, bytes.capacity());
      Workers.await(() -> target.counters().foreign() == 1, "another job's frame");

      exchange(world, 1000);
    }
  }

  @Test
  void shouldEndTheAttemptOnEveryRankWhenAFrameIsCorrupt() {
    endOnBadFrame(
        (frame, job) -> {
          frame.begin(Frame.Kind.DATA, job, 3, 1).piece(0, 9, 0, 0, 4).seal();
          frame.bytes().put(Frame.HEADER_LENGTH, (byte) 1);
        },
        "a frame from rank 1 to rank 0 (tag 9, bytes from 0 of 4) over udp had a wrong checksum",
        FabricCounters::corrupt);
  }

  @Test
  void shouldEndTheAttemptOnEveryRankWhenAFrameIsMissing() {
    endOnBadFrame(
        (frame, job) -> frame.begin(Frame.Kind.DATA, job, 3, 1).piece(0, 9, 0, 4, 8).seal(),
        "a frame from rank 1 to rank 0 (tag 9, bytes from 4 of 8) over udp came although one before"
            + " it is missing",
        FabricCounters::disordered);
  }

  private static void endOnBadFrame(
      ObjIntConsumer<Frame> make, String finding, ToLongFunction<FabricCounters> counter) {
    try (Workers world = Workers.open(2, 1, false);
        RawSender raw = RawSender.toFirst(world)) {
      Fabric zero = world.rank(0);
      Fabric one = world.rank(1);
      Fabric.Operation here = zero.receive(1, 9, ByteBuffer.allocate(8));
      Fabric.Operation there = one.receive(0, 3, ByteBuffer.allocate(8));
      ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.HEADER_LENGTH + 4);
      make.accept(new Frame().wrap(bytes, 0, bytes.capacity()), world.roster.jobId().hashCode());
      raw.offer(bytes, bytes.capacity());
      assertThatThrownBy(() -> zero.await(here))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("for 8 bytes of tag 9 from rank 1")
          .hasMessageContaining(finding);
      assertThatThrownBy(() -> one.await(there))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("rank 0 gave up: " + finding);
      assertThat(counter.applyAsLong(world.workers.get(0).counters())).isEqualTo(1);
    }
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
