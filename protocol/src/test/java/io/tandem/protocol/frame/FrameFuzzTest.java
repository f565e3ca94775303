package io.tandem.protocol.frame;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Whatever a frame says, what is called whole can be taken at its word. */
class FrameFuzzTest {
  private static final int PAYLOAD = 40;

  private static byte[] sealed(int offset, int messageLength) {
    ByteBuffer bytes = ByteBuffer.allocate(Frame.HEADER_LENGTH + PAYLOAD);
    new Frame()
        .wrap(bytes, 0, bytes.capacity())
        .begin(Frame.Kind.DATA, 77, 3, 4)
        .piece(9, 2, 5, offset, messageLength)
        .seal();
    return bytes.array();
  }

  private static final int[] NUMBERS = {
    0, 1, -1, 7, PAYLOAD, 4096, Integer.MAX_VALUE, Integer.MAX_VALUE - PAYLOAD, Integer.MIN_VALUE
  };

  /** Wounded ones, those with the right checksum over wrong numbers, and both. */
  @Provide
  Arbitrary<byte[]> frames() {
    Hostile wounded = Hostile.of(sealed(0, PAYLOAD), sealed(8, 4096));
    return Arbitraries.randomValue(
        random -> {
          int offset = NUMBERS[random.nextInt(NUMBERS.length)];
          byte[] bytes =
              random.nextBoolean()
                  ? sealed(offset, NUMBERS[random.nextInt(NUMBERS.length)])
                  : wounded.next(random);
          boolean seal = random.nextBoolean() && bytes.length >= Frame.HEADER_LENGTH;
          return seal ? resealed(bytes) : bytes;
        });
  }

  private static byte[] resealed(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes, 0, 4);
    crc.update(bytes, 8, bytes.length - 8);
    byte[] sealed = bytes.clone();
    ByteBuffer.wrap(sealed).order(ByteOrder.LITTLE_ENDIAN).putInt(4, (int) crc.getValue());
    return sealed;
  }

  @Fuzz
  void shouldCallWholeOnlyWhatCanBeTakenAtItsWord(@ForAll("frames") byte[] bytes) {
    Frame frame = new Frame().wrap(ByteBuffer.wrap(bytes), 0, bytes.length);
    if (frame.check() == Frame.Condition.WHOLE) {
      assertThat(frame.kind()).isNotNull();
      assertThat(frame.payloadLength()).isEqualTo(bytes.length - Frame.HEADER_LENGTH);
      assertThat(frame.messageLength()).isNotNegative();
      assertThat(frame.offset()).isBetween(0, frame.messageLength() - frame.payloadLength());
      assertThat(bytes).isEqualTo(resealed(bytes));
    }
  }

  /** The difference to its offset overflowed to the largest number. */
  @Test
  void shouldRefuseANegativeMessageLength() {
    byte[] bytes = sealed(1, Integer.MIN_VALUE);
    assertThat(new Frame().wrap(ByteBuffer.wrap(bytes), 0, bytes.length).check())
        .isEqualTo(Frame.Condition.CORRUPT);
  }
}
