package io.tandem.protocol.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/**
 * Bytes that mean harm: noise, and valid samples with a few wounds, so that what lies behind the
 * first checks is reached too.
 *
 * @param samples valid inputs
 * @param words what the format knows, to be put in where it does not belong; may be empty
 */
public record Hostile(List<byte[]> samples, List<byte[]> words) {
  private static final int LONGEST_NOISE = 512;
  private static final int MOST_WOUNDS = 5;
  private static final int MOST_COPIES = 200;

  /** So that inputs stay quick to read; larger ones are tried one by one. */
  private static final int LONGEST = 1 << 17;

  private static final long[] EXTREMES = {
    0,
    -1,
    1,
    2,
    0xFF,
    0xFFFF,
    65535L << 16 | 65535,
    0x7FFFFFFF,
    0x80000000L,
    1L << 30,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  /** Of binary formats. */
  public static Hostile of(byte[]... samples) {
    return new Hostile(List.of(samples), List.of());
  }

  /** Of texts, with words of theirs. */
  public static Hostile of(List<String> samples, String... words) {
    return new Hostile(bytes(samples), bytes(Arrays.asList(words)));
  }

  private static List<byte[]> bytes(List<String> texts) {
    return texts.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }

  /** For a property's parameter. */
  public Arbitrary<byte[]> inputs() {
    return Arbitraries.randomValue(this::next);
  }

  /** One input. */
  public byte[] next(Random random) {
    if (random.nextInt(16) == 0) {
      return noise(random, random.nextInt(LONGEST_NOISE));
    }
    byte[] input = sample(random).clone();
    for (int wounds = 1 + random.nextInt(MOST_WOUNDS); wounds > 0; wounds--) {
      input = wounded(input, random);
    }
    return input;
  }

  private byte[] sample(Random random) {
    return samples.get(random.nextInt(samples.size()));
  }

  private static byte[] noise(Random random, int length) {
    byte[] noise = new byte[length];
    random.nextBytes(noise);
    return noise;
  }

  private byte[] wounded(byte[] input, Random random) {
    int at = random.nextInt(input.length + 1);
    int span = Math.min(input.length - at, random.nextInt(random.nextBoolean() ? 8 : 256));
    byte[] part = Arrays.copyOfRange(input, at, at + span);
    return switch (random.nextInt(11)) {
      case 0, 1 -> flipped(input, random);
      case 2 -> over(input, at, noise(random, 1));
      case 3, 4 -> over(input, at, extreme(random));
      case 5 -> Arrays.copyOf(input, at);
      case 6 -> spliced(input, at, at + span, new byte[0]);
      case 7 -> spliced(input, at, at, part);
      case 8 -> spliced(input, at, at, repeated(part, random.nextInt(MOST_COPIES)));
      case 9 -> spliced(input, at, at + span, otherPart(random));
      default -> {
        byte[] word =
            words.isEmpty() ? noise(random, span) : words.get(random.nextInt(words.size()));
        yield spliced(input, at, random.nextBoolean() ? at : at + span, word);
      }
    };
  }

  private static byte[] flipped(byte[] input, Random random) {
    if (input.length > 0) {
      input[random.nextInt(input.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return input;
  }

  private static byte[] over(byte[] input, int at, byte[] by) {
    System.arraycopy(by, 0, input, at, Math.min(by.length, input.length - at));
    return input;
  }

  private static byte[] extreme(Random random) {
    long value = EXTREMES[random.nextInt(EXTREMES.length)];
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES);
    bytes.order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    return switch (random.nextInt(3)) {
      case 0 -> Arrays.copyOf(bytes.putShort(0, (short) value).array(), Short.BYTES);
      case 1 -> Arrays.copyOf(bytes.putInt(0, (int) value).array(), Integer.BYTES);
      default -> bytes.putLong(0, value).array();
    };
  }

  private byte[] otherPart(Random random) {
    byte[] other = sample(random);
    int from = random.nextInt(other.length + 1);
    return Arrays.copyOfRange(other, from, from + random.nextInt(other.length - from + 1));
  }

  private static byte[] repeated(byte[] part, int times) {
    byte[] all = new byte[part.length * times];
    for (int i = 0; i < times; i++) {
      System.arraycopy(part, 0, all, i * part.length, part.length);
    }
    return all;
  }

  private static byte[] spliced(byte[] input, int from, int to, byte[] between) {
    var out = new ByteArrayOutputStream();
    out.write(input, 0, from);
    out.writeBytes(between);
    out.write(input, to, input.length - to);
    return out.size() > LONGEST ? Arrays.copyOf(out.toByteArray(), LONGEST) : out.toByteArray();
  }
}
