package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.fuzz.Fuzz;
import java.nio.ByteBuffer;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import org.junit.jupiter.api.Test;

/** Whatever a peer puts on the wire, the data plane goes on, and gives an attempt up in words. */
class FramePumpFuzzTest {
  private static final int EACH_WORLD = 2000;
  private static final int LARGEST_PAYLOAD = 64;
  private static final int SPECIAL_TAG = 77;
  private static final int[] NUMBERS = {
    0, 0, 0, 1, 1, 2, 8, 16, 64, -1, (1 << 30) + 1, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  /** One for many inputs, since opening it takes much longer than a frame. */
  private static World world;

  private static int used;

  private record World(Workers workers, RawSender raw) implements AutoCloseable {
    static World open() {
      Workers workers =
          Workers.open(
              2,
              1,
              true,
              s -> s.withTimeouts(Workers.DEADLINE, Workers.DEADLINE, Workers.DEADLINE),
              c -> {});
      return new World(workers, RawSender.toFirst(workers));
    }

    Fabric first() {
      return workers.rank(0);
    }

    void send(ByteBuffer bytes) {
      raw.offer(bytes, bytes.capacity());
    }

    long counted() {
      FabricCounters counters = workers.workers.get(0).counters();
      return counters.framesReceived()
          + counters.truncated()
          + counters.corrupt()
          + counters.foreign()
          + counters.otherAttempt()
          + counters.disordered();
    }

    /** A proper message still comes through. */
    void checkAlive() {
      ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.HEADER_LENGTH + 8);
      bytes.put(Frame.HEADER_LENGTH + 5, (byte) 42);
      new Frame()
          .wrap(bytes, 0, bytes.capacity())
          .begin(Frame.Kind.DATA, job(), workers.roster.attempt(), 1)
          .piece(0, SPECIAL_TAG, 0, 0, 8)
          .seal();
      ByteBuffer into = ByteBuffer.allocate(8);
      Fabric.Operation receive = first().receive(1, SPECIAL_TAG, into);
      send(bytes);
      Workers.await(receive::done, "a proper message among hostile ones");
      assertThat(into.get(5)).isEqualTo((byte) 42);
    }

    int job() {
      return workers.roster.jobId().hashCode();
    }

    @Override
    public void close() {
      raw.close();
      workers.close();
    }
  }

  @AfterContainer
  static void closeWorld() {
    if (world != null) {
      try (World last = world) {
        last.checkAlive();
      }
      world = null;
    }
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldGoOnWhateverAPeerSends(@ForAll("seeds") long seed) {
    if (used++ % EACH_WORLD == 0) {
      closeWorld();
      world = World.open();
    }
    Random random = new Random(seed);
    if (random.nextInt(8) == 0) {
      world.first().receive(1, number(random), ByteBuffer.allocate(random.nextInt(64)));
    }
    world.send(frame(random, world.job(), world.workers.roster.attempt()));
    if (used % 100 == 0) {
      assertThat(world.workers.workers.get(0).counters().bufferStalls()).isZero();
    }
  }

  private static int number(Random random) {
    return NUMBERS[random.nextInt(NUMBERS.length)];
  }

  /** Most with the right checksum, job, attempt and ranks; no goodbye, which ends all. */
  private static ByteBuffer frame(Random random, int job, int attempt) {
    int payload = random.nextInt(LARGEST_PAYLOAD);
    ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.HEADER_LENGTH + payload);
    for (int i = Frame.HEADER_LENGTH; i < bytes.capacity(); i++) {
      bytes.put(i, (byte) random.nextInt());
    }
    boolean notice = random.nextInt(10) == 0;
    Frame.Kind kind =
        !notice ? Frame.Kind.DATA : random.nextBoolean() ? Frame.Kind.HELLO : Frame.Kind.ABORT;
    Frame frame =
        new Frame()
            .wrap(bytes, 0, bytes.capacity())
            .begin(
                kind,
                random.nextInt(10) == 0 ? number(random) : job,
                random.nextInt(10) == 0 ? number(random) : attempt,
                random.nextInt(10) == 0 ? number(random) : 1)
            .piece(
                random.nextInt(10) == 0 ? number(random) : 0,
                number(random),
                random.nextInt(4) == 0 ? number(random) * 0x1_0000_0001L : random.nextInt(3),
                random.nextInt(3) == 0 ? number(random) : 0,
                random.nextInt(2) == 0 ? number(random) : payload);
    frame.seal();
    if (random.nextInt(10) == 0) {
      bytes.put(random.nextInt(bytes.capacity()), (byte) random.nextInt());
    }
    return bytes;
  }

  @Test
  void shouldGiveUpInWordsWhenAMessageIsSaidToBeHuge() {
    try (World hostile = World.open()) {
      Fabric.Operation other = hostile.first().receive(1, 3, ByteBuffer.allocate(8));
      ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.HEADER_LENGTH + 8);
      new Frame()
          .wrap(bytes, 0, bytes.capacity())
          .begin(Frame.Kind.DATA, hostile.job(), hostile.workers.roster.attempt(), 1)
          .piece(0, 9, 0, 0, Integer.MAX_VALUE)
          .seal();
      long before = hostile.counted();
      hostile.send(bytes);
      assertThatThrownBy(() -> hostile.first().await(other))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("(tag 9, bytes from 0 of 2147483647) over ipc")
          .hasMessageContaining("is of one beyond 1073741824 bytes");
      assertThat(hostile.counted()).isEqualTo(before + 1);
      hostile.checkAlive();
    }
  }
}
