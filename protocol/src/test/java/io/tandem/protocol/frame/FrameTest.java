package io.tandem.protocol.frame;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class FrameTest {
  private static final int AT = 3;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(AT + Frame.HEADER_LENGTH + 5);
  private final Frame frame = new Frame().wrap(buffer, AT, Frame.HEADER_LENGTH + 5);

  private void write() {
    frame.begin(Frame.Kind.DATA, 77, 3, 4).piece(9, -2, 1L << 40, 10, 15);
    for (int i = 0; i < 5; i++) {
      frame.bytes().put(Frame.HEADER_LENGTH + i, (byte) i);
    }
    frame.seal();
  }

  @Test
  void shouldReadWhatWasWritten() {
    write();
    Frame read = new Frame().wrap(buffer, AT, Frame.HEADER_LENGTH + 5);
    assertThat(read.check()).isEqualTo(Frame.Condition.WHOLE);
    assertThat(read.kind()).isEqualTo(Frame.Kind.DATA);
    assertThat(read.job()).isEqualTo(77);
    assertThat(read.attempt()).isEqualTo(3);
    assertThat(read.source()).isEqualTo(4);
    assertThat(read.destination()).isEqualTo(9);
    assertThat(read.tag()).isEqualTo(-2);
    assertThat(read.sequence()).isEqualTo(1L << 40);
    assertThat(read.offset()).isEqualTo(10);
    assertThat(read.messageLength()).isEqualTo(15);
    assertThat(read.payloadLength()).isEqualTo(5);
    assertThat(buffer.position()).isZero();
  }

  @Test
  void shouldNoticeEveryFlippedBit() {
    for (int bit = 0; bit < 8 * (Frame.HEADER_LENGTH + 5); bit++) {
      write();
      buffer.put(AT + bit / 8, (byte) (buffer.get(AT + bit / 8) ^ 1 << bit % 8));
      assertThat(frame.check()).as("bit %d", bit).isNotEqualTo(Frame.Condition.WHOLE);
    }
  }

  @Test
  void shouldNoticeATruncatedFrame() {
    write();
    for (int length = 0; length < Frame.HEADER_LENGTH + 5; length++) {
      assertThat(new Frame().wrap(buffer, AT, length).check()).isEqualTo(Frame.Condition.TRUNCATED);
    }
  }

  @Test
  void shouldRefuseAnotherVersion() {
    write();
    buffer.put(AT + 2, (byte) (Frame.VERSION + 1));
    frame.seal();
    assertThat(frame.check()).isEqualTo(Frame.Condition.FOREIGN);
  }
}
