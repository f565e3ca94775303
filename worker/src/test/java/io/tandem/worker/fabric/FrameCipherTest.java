package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.frame.Frame;
import io.tandem.worker.fabric.FrameCipher.Verdict;
import java.nio.ByteBuffer;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class FrameCipherTest {
  private static final int PAYLOAD = 21;
  private static final int PLAIN = Frame.HEADER_LENGTH + PAYLOAD;

  private final FrameCipher sealer = new FrameCipher(key(1), 3, 5);
  private final FrameCipher opener = new FrameCipher(key(1), 3, 5);
  private final ByteBuffer plain = ByteBuffer.allocateDirect(PLAIN);

  private static SecretKey key(int of) {
    byte[] bytes = new byte[32];
    bytes[9] = (byte) of;
    return new SecretKeySpec(bytes, "AES");
  }

  private static ByteBuffer frame() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(PLAIN + FrameCipher.OVERHEAD);
    new Frame().wrap(bytes, 0, PLAIN).begin(Frame.Kind.DATA, 7, 1, 3).piece(5, 2, 9, 0, PAYLOAD);
    for (int i = 0; i < PAYLOAD; i++) {
      bytes.put(Frame.HEADER_LENGTH + i, (byte) (i * i));
    }
    return bytes;
  }

  private ByteBuffer sealed() {
    ByteBuffer frame = frame();
    sealer.seal(frame);
    return frame;
  }

  private Verdict take(ByteBuffer frame) {
    Verdict verdict = opener.open(frame, plain);
    if (verdict == Verdict.OPENED) {
      opener.taken();
    }
    return verdict;
  }

  @Test
  void shouldOpenWhatItSealed() {
    for (int i = 0; i < 3; i++) {
      ByteBuffer sealed = sealed();
      assertThat(sealed.slice(Frame.HEADER_LENGTH, PAYLOAD))
          .isNotEqualTo(frame().slice(Frame.HEADER_LENGTH, PAYLOAD));
      assertThat(take(sealed)).isEqualTo(Verdict.OPENED);
      assertThat(plain).isEqualTo(frame().slice(0, PLAIN));
    }
  }

  @Test
  void shouldSealTheSameFrameDifferentlyEachTimeAndEachWay() {
    ByteBuffer first = sealed();
    ByteBuffer back = frame();
    new FrameCipher(key(1), 5, 3).seal(back);
    for (ByteBuffer other : new ByteBuffer[] {sealed(), back}) {
      assertThat(other.slice(Frame.HEADER_LENGTH, PAYLOAD))
          .isNotEqualTo(first.slice(Frame.HEADER_LENGTH, PAYLOAD));
    }
  }

  @Test
  void shouldRefuseEveryFlippedBit() {
    ByteBuffer sealed = sealed();
    for (int bit = 0; bit < 8 * sealed.capacity(); bit++) {
      sealed.put(bit / 8, (byte) (sealed.get(bit / 8) ^ 1 << bit % 8));
      assertThat(take(sealed)).as("bit %d", bit).isEqualTo(Verdict.REFUSED);
      sealed.put(bit / 8, (byte) (sealed.get(bit / 8) ^ 1 << bit % 8));
    }
    assertThat(take(sealed)).isEqualTo(Verdict.OPENED);
  }

  @Test
  void shouldRefuseAnotherKeyAndAnotherWay() {
    for (FrameCipher other :
        new FrameCipher[] {
          new FrameCipher(key(2), 3, 5),
          new FrameCipher(key(1), 5, 3),
          new FrameCipher(key(1), 4, 5)
        }) {
      ByteBuffer frame = frame();
      other.seal(frame);
      assertThat(take(frame)).isEqualTo(Verdict.REFUSED);
    }
  }

  @Test
  void shouldNoticeWhatComesAgainAndWhatIsMissing() {
    ByteBuffer first = sealed();
    ByteBuffer second = sealed();
    assertThat(take(second)).isEqualTo(Verdict.GAP);
    assertThat(take(first)).isEqualTo(Verdict.OPENED);
    assertThat(take(first)).isEqualTo(Verdict.REPLAYED);
    assertThat(take(second)).isEqualTo(Verdict.OPENED);
  }

  @Test
  void shouldOpenAgainWhatWasNotTaken() {
    ByteBuffer sealed = sealed();
    assertThat(opener.open(sealed, plain)).isEqualTo(Verdict.OPENED);
    assertThat(opener.open(sealed, plain)).isEqualTo(Verdict.OPENED);
  }

  @Test
  void shouldRefuseRanksThatTheNonceCannotTellApart() {
    assertThatThrownBy(() -> new FrameCipher(key(1), 0, 1 << 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("65536");
  }
}
