package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.worker.fabric.Inbox.Verdict;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Whatever well-sealed frames say, what is received is whole and what is kept is little. */
class InboxFuzzTest {
  private static final int FRAMES = 60;
  private static final long BUFFER = 1 << 20;

  /** Twice the buffer, a buffer that grew, and what the test itself makes. */
  private static final long LITTLE = 8 << 20;

  private static final int[] SIZES = {
    0, 8, 8, 16, 16, 24, 24, 24, 4096, 1 << 20, 1 << 30, (1 << 30) + 1, Integer.MAX_VALUE
  };
  private static final int[] OFFSETS = {0, 0, 0, 8, 8, 16, 4088, 1 << 29, Integer.MAX_VALUE - 24};
  private static final int[] PAYLOADS = {0, 8, 8, 16, 24};
  private static final long[] SEQUENCES = {0, 0, 0, 1, 1, 2, 3, -1, Long.MAX_VALUE, Long.MIN_VALUE};
  private static final int[] TAGS = {0, 0, 0, 1, -1, Integer.MAX_VALUE};

  private final FrameCounts counts = new FrameCounts();
  private final Inbox inbox = new Inbox(counts, BUFFER);

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldReceiveOnlyWhatIsWholeAndKeepLittle(@ForAll("seeds") long seed) {
    Bounded.run(LITTLE, () -> hostile(new Random(seed)));
  }

  private void hostile(Random random) {
    Map<Transfer, ByteBuffer> receives = new HashMap<>();
    Map<Integer, Long> begun = new HashMap<>();
    Map<Transfer, Long> sequences = new HashMap<>();
    for (int i = 0; i < FRAMES; i++) {
      int tag = TAGS[random.nextInt(TAGS.length)];
      if (random.nextInt(5) == 0) {
        ByteBuffer into = ByteBuffer.allocate(SIZES[random.nextInt(9)]);
        Transfer receive = Transfer.receive(0, 1, tag, into);
        sequences.put(receive, begun.merge(tag, 1L, Long::sum) - 1);
        receives.put(receive, into);
        inbox.receive(receive);
      } else {
        Frame frame =
            frame(
                tag,
                SEQUENCES[random.nextInt(SEQUENCES.length)],
                OFFSETS[random.nextInt(OFFSETS.length)],
                SIZES[random.nextInt(SIZES.length)],
                PAYLOADS[random.nextInt(PAYLOADS.length)]);
        if (frame.check() == Frame.Condition.WHOLE) {
          inbox.onData(frame);
        }
      }
    }
    receives.forEach(
        (receive, into) -> {
          if (receive.done()) {
            assertWhole(into, sequences.get(receive));
          }
        });
    inbox.lose(Set.of(1), "over");
    assertThat(receives.keySet()).noneMatch(Transfer::isPending);
    assertThat(inbox.waiting()).isZero();
  }

  /** Every byte tells its message and its place there. */
  private static byte value(long sequence, int at) {
    return (byte) (sequence * 101 + at * 31 + 1);
  }

  private static void assertWhole(ByteBuffer into, long sequence) {
    for (int i = 0; i < into.capacity(); i++) {
      assertThat(into.get(i))
          .as("byte %d of message %d", i, sequence)
          .isEqualTo(value(sequence, i));
    }
  }

  private static Frame frame(int tag, long sequence, int offset, int length, int payload) {
    ByteBuffer bytes = ByteBuffer.allocate(Frame.HEADER_LENGTH + payload);
    Frame frame = new Frame().wrap(bytes, 0, bytes.capacity());
    frame.begin(Frame.Kind.DATA, 7, 3, 1).piece(0, tag, sequence, offset, length);
    for (int i = 0; i < payload; i++) {
      bytes.put(Frame.HEADER_LENGTH + i, value(sequence, offset + i));
    }
    frame.seal();
    return frame;
  }

  /** It was put beyond the end of the first frame's buffer: the data plane failed for good. */
  @Test
  void shouldRefuseAFrameThatSaysAnotherLengthThanTheOneBefore() {
    assertThat(inbox.onData(frame(0, 0, 0, 16, 8))).isEqualTo(Verdict.TAKEN);
    assertThat(inbox.onData(frame(0, 0, 8, 4096, 24))).isEqualTo(Verdict.NONSENSE);
  }

  @Test
  void shouldNotBelieveMoreThanTheLargestMessage() {
    int most = FabricSettings.LARGEST_MESSAGE;
    assertThat(inbox.onData(frame(0, 0, 0, most + 1, 8))).isEqualTo(Verdict.NONSENSE);
    Bounded.run(
        LITTLE, () -> assertThat(inbox.onData(frame(0, 0, 0, most, 8))).isEqualTo(Verdict.TAKEN));
  }

  @Test
  void shouldHoldUpEmptyMessagesAndTagsWithoutEnd() {
    long kept = 0;
    while (inbox.onData(frame((int) kept, kept, 0, 0, 0)) == Verdict.TAKEN) {
      assertThat(++kept).isLessThan(BUFFER);
    }
    assertThat(counts.bufferStalls.get()).isOne();
  }
}
