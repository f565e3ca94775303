package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.worker.fabric.FrameCipher.Verdict;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.crypto.spec.SecretKeySpec;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;

/** Whatever somebody in between does to sealed frames, only the next one opens, and only whole. */
class FrameCipherFuzzTest {
  private static final int FRAMES = 12;
  private static final int LARGEST_PAYLOAD = 80;
  private static final int MOST = Frame.HEADER_LENGTH + 4 * LARGEST_PAYLOAD + FrameCipher.OVERHEAD;
  private static final int MISDEEDS = 24;

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldOpenOnlyTheNextFrameAsItWasSealed(@ForAll("seeds") long seed) {
    Random random = new Random(seed);
    FrameCipher sealer = cipher(1, 3, 5);
    FrameCipher opener = cipher(1, 3, 5);
    List<byte[]> plain = new ArrayList<>();
    List<byte[]> sealed = new ArrayList<>();
    for (int i = 0; i < FRAMES; i++) {
      byte[] frame = new byte[Frame.HEADER_LENGTH + random.nextInt(LARGEST_PAYLOAD)];
      random.nextBytes(frame);
      plain.add(frame);
      sealed.add(sealed(sealer, frame));
    }
    int next = 0;
    ByteBuffer out = ByteBuffer.allocate(MOST);
    while (next < FRAMES) {
      for (int i = random.nextInt(MISDEEDS); i > 0; i--) {
        byte[] hostile = hostile(sealed, random);
        int known = index(sealed, hostile);
        Verdict verdict = opener.open(ByteBuffer.wrap(hostile), out);
        Verdict expected =
            known < 0
                ? Verdict.REFUSED
                : known < next ? Verdict.REPLAYED : known == next ? Verdict.OPENED : Verdict.GAP;
        assertThat(verdict).as("frame %d while %d is the next", known, next).isEqualTo(expected);
      }
      assertThat(opener.open(ByteBuffer.wrap(sealed.get(next)), out)).isEqualTo(Verdict.OPENED);
      assertThat(Arrays.copyOf(out.array(), plain.get(next).length)).isEqualTo(plain.get(next));
      opener.taken();
      next++;
    }
  }

  private static FrameCipher cipher(int key, int from, int to) {
    byte[] bytes = new byte[32];
    Arrays.fill(bytes, (byte) key);
    return new FrameCipher(new SecretKeySpec(bytes, "AES"), from, to);
  }

  private static byte[] sealed(FrameCipher sealer, byte[] frame) {
    ByteBuffer bytes = ByteBuffer.allocate(frame.length + FrameCipher.OVERHEAD).put(0, frame);
    sealer.seal(bytes);
    return bytes.array();
  }

  private static int index(List<byte[]> sealed, byte[] frame) {
    for (int i = 0; i < sealed.size(); i++) {
      if (Arrays.equals(sealed.get(i), frame)) {
        return i;
      }
    }
    return -1;
  }

  private static byte[] any(List<byte[]> sealed, Random random) {
    return sealed.get(random.nextInt(sealed.size()));
  }

  /** Never shorter than a header and what sealing adds: shorter ones do not come to be opened. */
  private static byte[] hostile(List<byte[]> sealed, Random random) {
    byte[] frame = any(sealed, random).clone();
    byte[] other = any(sealed, random);
    int least = Frame.HEADER_LENGTH + FrameCipher.OVERHEAD;
    int tail = FrameCipher.OVERHEAD;
    switch (random.nextInt(10)) {
      case 0, 1 -> frame[random.nextInt(frame.length)] ^= (byte) (1 << random.nextInt(8));
      case 2 -> frame[random.nextInt(Frame.HEADER_LENGTH)] = (byte) random.nextInt();
      case 3 -> frame = Arrays.copyOf(frame, least + random.nextInt(frame.length - least + 1));
      case 4 -> frame = Arrays.copyOf(frame, frame.length + 1 + random.nextInt(LARGEST_PAYLOAD));
      case 5 -> System.arraycopy(other, 0, frame, 0, Frame.HEADER_LENGTH);
      // The number and the tag of another, together or each alone.
      case 6 -> System.arraycopy(other, other.length - tail, frame, frame.length - tail, tail);
      case 7 ->
          System.arraycopy(other, other.length - tail, frame, frame.length - tail, Long.BYTES);
      case 8 -> {
        FrameCipher stranger =
            switch (random.nextInt(3)) {
              case 0 -> cipher(2, 3, 5);
              case 1 -> cipher(1, 5, 3);
              default -> cipher(1, 3, 6);
            };
        frame = sealed(stranger, Arrays.copyOf(frame, frame.length - tail));
      }
      default -> {} // as it was, again or too early
    }
    return frame;
  }
}
