package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.fuzz.Fuzz;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32C;
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
  private static final ByteBuffer FENCE = ByteBuffer.allocateDirect(1);
  private static final int[] NUMBERS = {
    0, 0, 0, 1, 1, 2, 8, 16, 64, -1, (1 << 30) + 1, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  /** One for many inputs, since opening it takes much longer than a frame. */
  private static World world;

  private static int used;

  private record World(Workers workers, RawSender raw, Map<String, Set<Integer>> lengths)
      implements AutoCloseable {
    static World open() {
      Workers workers =
          Workers.open(
              2,
              1,
              true,
              s -> s.withTimeouts(Workers.DEADLINE, Workers.DEADLINE, Workers.DEADLINE),
              c -> {});
      return new World(workers, RawSender.toFirst(workers), new HashMap<>());
    }

    Fabric first() {
      return workers.rank(0);
    }

    void send(ByteBuffer bytes) {
      raw.offer(bytes, bytes.capacity());
    }

    /** A fence after it tells when it was dealt with. */
    void sendThrough(ByteBuffer bytes, boolean truncated) {
      long expected = counters().truncated() + (truncated ? 2 : 1);
      send(bytes);
      send(FENCE);
      Workers.await(() -> counters().truncated() >= expected, "a frame too short");
    }

    /** Whether another length was said of that message before. */
    boolean contradicts(ByteBuffer frame) {
      String message = frame.getInt(24) + " " + frame.getLong(32);
      Set<Integer> said = lengths.computeIfAbsent(message, any -> new HashSet<>());
      said.add(frame.getInt(44));
      return said.size() > 1;
    }

    FabricCounters counters() {
      return workers.workers.get(0).counters();
    }

    long counted() {
      FabricCounters counters = counters();
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
    ByteBuffer frame = frame(random, world.job(), world.workers.roster.attempt());
    int length =
        random.nextInt(10) == 0 ? 1 + random.nextInt(frame.capacity() - 1) : frame.capacity();
    ByteBuffer sent = frame.slice(0, length).order(ByteOrder.LITTLE_ENDIAN);
    Fate expected = fate(sent, world.job(), world.workers.roster.attempt());
    FabricCounters before = world.counters();
    world.sendThrough(sent, expected == Fate.TRUNCATED);
    Fate fate = fate(before, world.counters());
    if (expected == Fate.DATA && world.contradicts(sent)) {
      assertThat(fate).as("%s", described(sent)).isIn(Fate.DATA, Fate.CORRUPT);
    } else {
      assertThat(fate).as("%s", described(sent)).isEqualTo(expected);
    }
  }

  /** What becomes of a frame, as the counters tell it. */
  private enum Fate {
    TRUNCATED,
    FOREIGN,
    OTHER_ATTEMPT,
    CORRUPT,
    /** Of data: taken, or dropped because one before it is missing, or because it contradicts. */
    DATA,
    /** Nothing is counted: it says something of the peer. */
    NOTICE
  }

  /** By the picture in {@link Frame}'s documentation, and by no code of ours. */
  private static Fate fate(ByteBuffer frame, int job, int attempt) {
    if (frame.capacity() < 48) {
      return Fate.TRUNCATED;
    }
    if (frame.getShort(0) != 0x6454 || frame.get(2) != 1) {
      return Fate.FOREIGN;
    }
    int payload = frame.getInt(28);
    if (payload > frame.capacity() - 48) {
      return Fate.TRUNCATED;
    }
    long offset = frame.getInt(40);
    long message = frame.getInt(44);
    int kind = frame.get(3);
    CRC32C crc = new CRC32C();
    crc.update(frame.slice(0, 4));
    crc.update(frame.slice(8, frame.capacity() - 8));
    boolean fits = offset >= 0 && message >= 0 && offset + payload <= message;
    boolean known = kind >= 0 && kind < 5;
    boolean whole = payload == frame.capacity() - 48 && frame.getInt(4) == (int) crc.getValue();
    if (!fits || !known || !whole) {
      return Fate.CORRUPT;
    }
    if (frame.getInt(8) != job) {
      return Fate.FOREIGN;
    }
    if (frame.getInt(12) != attempt) {
      return Fate.OTHER_ATTEMPT;
    }
    if (frame.getInt(16) != 1) { // of two ranks, the one that is not here
      return Fate.FOREIGN;
    }
    if (kind != 0) {
      return Fate.NOTICE;
    }
    if (frame.getInt(20) != 0) {
      return Fate.FOREIGN;
    }
    boolean bearable = message <= 1 << 30 && frame.getLong(32) >= 0;
    return bearable ? Fate.DATA : Fate.CORRUPT;
  }

  /** One fence was truncated besides. */
  private static Fate fate(FabricCounters before, FabricCounters after) {
    long corrupt = after.corrupt() - before.corrupt();
    long taken = after.framesReceived() - before.framesReceived();
    long disordered = after.disordered() - before.disordered();
    long truncated = after.truncated() - before.truncated() - 1;
    long foreign = after.foreign() - before.foreign();
    long old = after.otherAttempt() - before.otherAttempt();
    assertThat(after.bufferStalls()).isZero();
    assertThat(corrupt + truncated + foreign + old + Math.max(taken, disordered))
        .isLessThanOrEqualTo(1);
    return truncated > 0
        ? Fate.TRUNCATED
        : foreign > 0
            ? Fate.FOREIGN
            : old > 0
                ? Fate.OTHER_ATTEMPT
                : corrupt > 0 ? Fate.CORRUPT : taken + disordered > 0 ? Fate.DATA : Fate.NOTICE;
  }

  private static String described(ByteBuffer frame) {
    byte[] all = new byte[frame.capacity()];
    frame.get(0, all);
    return HexFormat.of().formatHex(all);
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
