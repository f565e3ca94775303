package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Roster;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ObjIntConsumer;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

/** Peers that are silent, give up, leave or never come, and frames that are wrong. */
class AeronFabricFailureTest {
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
            Workers.losing((address, buffer, length) -> silent.get()))) {
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

      world.exchange(1000);
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
}
