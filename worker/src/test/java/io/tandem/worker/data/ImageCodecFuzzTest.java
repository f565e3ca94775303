package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a picture file holds, it becomes as many pixels as were asked for or is unreadable. */
class ImageCodecFuzzTest {
  private static final long LITTLE = 16L << 20;
  private static final int SIDE = 24;

  /** What all inputs together may leave behind in the process, the heap's growth included. */
  private static final long LEFT_BYTES = 1L << 30;

  private static final ImageCodec CODEC = new ImageCodec(SIDE, SIDE, 3);
  private static final Hostile FILES = Hostile.of(samples().toArray(byte[][]::new));
  private static long tracked;
  private static long resident;

  private static List<byte[]> samples() {
    List<byte[]> samples = new ArrayList<>();
    for (String format : new String[] {"jpg", "png", "bmp", "gif", "tiff"}) {
      samples.add(written(format, 40, 30));
    }
    samples.add(webp());
    samples.add(samples.get(0));
    samples.add(samples.get(1));
    return samples;
  }

  private static byte[] written(String format, int width, int height) {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, x * 6 << 16 | y * 8 << 8 | (x ^ y) << 2);
      }
    }
    var out = new ByteArrayOutputStream();
    try {
      assertThat(ImageIO.write(image, format, out)).as(format).isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static byte[] webp() {
    byte[] png = written("png", 40, 30);
    try (Mat encoded = new Mat(new BytePointer(png));
        Mat picture = opencv_imgcodecs.imdecode(encoded, opencv_imgcodecs.IMREAD_COLOR);
        BytePointer file = new BytePointer()) {
      assertThat(opencv_imgcodecs.imencode(".webp", picture, file)).isTrue();
      byte[] bytes = new byte[(int) file.limit()];
      file.get(bytes);
      return bytes;
    }
  }

  @BeforeContainer
  static void measure() throws IOException {
    decodeOrRefuse(FILES.samples().get(0));
    tracked = Pointer.totalBytes();
    resident = residentBytes();
  }

  @AfterContainer
  static void shouldHaveLeftNothingBehind() throws IOException {
    assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(tracked);
    assertThat(residentBytes() - resident).isLessThan(LEFT_BYTES);
  }

  private static long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst()
        .orElse(0);
  }

  @Provide
  Arbitrary<byte[]> files() {
    return FILES.inputs();
  }

  @Fuzz
  void shouldDecodeOrRefuseAnyFile(@ForAll("files") byte[] file) {
    Bounded.run(LITTLE, () -> decodeOrRefuse(file));
  }

  /** A picture whose header promises other sides than it has, or that is cut off. */
  private record Tampered(String format, long rows, long columns, byte[] file, boolean cut) {}

  private static final List<String> FORMATS = List.of("jpg", "png", "bmp", "gif", "tiff");
  private static final int[] SIDES = {
    0, 1, 2, 24, 30, 40, 100, 4096, 11_585, 11_586, 32_767, 32_768, 65_535
  };
  private static final int[] LONG_SIDES = {
    1 << 16, 1 << 20, 1 << 27, (1 << 27) + 1, 1 << 30, Integer.MAX_VALUE
  };

  @Provide
  Arbitrary<Tampered> tampered() {
    return Arbitraries.randomValue(ImageCodecFuzzTest::tampered);
  }

  private static Tampered tampered(Random random) {
    String format = FORMATS.get(random.nextInt(FORMATS.size()));
    boolean narrow = format.equals("jpg") || format.equals("gif") || format.equals("tiff");
    int rows = side(random, !narrow);
    int columns = side(random, !narrow);
    byte[] file = withSides(format, rows, columns);
    boolean cut = format.equals("jpg") && random.nextInt(4) == 0;
    if (cut) { // anywhere behind its header, before its end
      int from = jpegFrame(file) + 9;
      file = Arrays.copyOf(file, from + random.nextInt(file.length - 2 - from));
    }
    return new Tampered(format, rows, columns, file, cut);
  }

  private static int side(Random random, boolean wide) {
    boolean large = wide && random.nextInt(3) == 0;
    int[] of = large ? LONG_SIDES : SIDES;
    return of[random.nextInt(of.length)];
  }

  private static byte[] withSides(String format, int rows, int columns) {
    byte[] file = written(format, 40, 30);
    ByteBuffer big = ByteBuffer.wrap(file);
    ByteBuffer little = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    switch (format) {
      case "png" -> {
        big.putInt(16, columns).putInt(20, rows);
        var crc = new CRC32();
        crc.update(file, 12, 17);
        big.putInt(29, (int) crc.getValue());
      }
      case "jpg" ->
          big.putShort(jpegFrame(file) + 5, (short) rows)
              .putShort(jpegFrame(file) + 7, (short) columns);
      case "bmp" -> little.putInt(18, columns).putInt(22, rows);
      case "gif" -> little.putShort(6, (short) columns).putShort(8, (short) rows);
      default -> {
        ByteBuffer bytes = file[0] == 'M' ? big : little;
        int directory = bytes.getInt(4);
        for (int i = 0; i < bytes.getShort(directory); i++) {
          int entry = directory + 2 + 12 * i;
          int tag = bytes.getShort(entry);
          if (tag == 256 || tag == 257) {
            boolean word = bytes.getShort(entry + 2) == 3;
            int side = tag == 256 ? columns : rows;
            if (word) {
              bytes.putShort(entry + 8, (short) side);
            } else {
              bytes.putInt(entry + 8, side);
            }
          }
        }
      }
    }
    return file;
  }

  private static int jpegFrame(byte[] file) {
    for (int i = 2; ; i += 2 + ((file[i + 2] & 0xFF) << 8 | file[i + 3] & 0xFF)) {
      if ((file[i + 1] & 0xFF) == 0xC0) {
        return i;
      }
    }
  }

  /** Not left to the decoder, which may take gigabytes before it finds out, or fill in grey. */
  @Fuzz
  void shouldRefuseByTheHeaderWhatIsTooLargeOrCutOff(@ForAll("tampered") Tampered picture) {
    Bounded.run(
        LITTLE,
        () -> {
          String words =
              picture.cut()
                  ? "the JPEG file is truncated"
                  : picture.rows() < 1 || picture.columns() < 1
                      ? "its header promises " + picture.rows() + "x" + picture.columns()
                      : picture.rows() * picture.columns() > 1 << 27
                          ? "pixels, allowed are 134217728 in all"
                          : null;
          if (words == null) {
            assertThat(PictureHeader.read(picture.file()))
                .isEqualTo(new PictureHeader(picture.rows(), picture.columns()));
            if (picture.rows() * picture.columns() < 1 << 20) { // larger ones take their time
              decodeOrRefuse(picture.file());
            }
          } else {
            assertThatThrownBy(() -> CODEC.decode(picture.file()))
                .as("%s of %dx%d", picture.format(), picture.rows(), picture.columns())
                .isInstanceOf(UnreadableImageException.class)
                .hasMessageContaining(words);
          }
        });
  }

  /** What stretches a decoded picture to cover the target is refused before it is allocated. */
  @Fuzz
  void shouldRefuseWhatWouldGrowTooLarge(@ForAll("seeds") long seed) {
    Random random = new Random(seed);
    int rows = 1 + random.nextInt(3);
    int columns = 1 + random.nextInt(20_000);
    boolean turned = random.nextBoolean();
    int side = new int[] {1, 24, 512, 4096}[random.nextInt(4)];
    byte[] raw = new byte[rows * columns];
    double scale = Math.max((double) side / rows, (double) side / columns);
    long grown =
        Math.max(side, Math.round(rows * scale)) * Math.max(side, Math.round(columns * scale));
    if (grown <= 1 << 27 && grown > 1 << 22) {
      return; // allowed, and slow
    }
    ImageCodec codec = new ImageCodec(side, side, 1);
    if (grown > 1 << 27) {
      assertThatThrownBy(() -> codec.fit(raw, turned ? columns : rows, turned ? rows : columns, 1))
          .isInstanceOf(UnreadableImageException.class)
          .hasMessageContaining("pixels, allowed are 134217728 in all");
    } else {
      assertThatCode(
              () ->
                  assertThat(codec.fit(raw, turned ? columns : rows, turned ? rows : columns, 1))
                      .hasSize(side * side))
          .doesNotThrowAnyException();
    }
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  /** OpenCV knows more formats than those whose headers are looked at. */
  @ParameterizedTest
  @ValueSource(
      strings = {"P5 2 2 255\n1234", "P6 1 1 255\nabc", "#?RADIANCE\n\n", "Pf 1 1 -1\n1234"})
  void shouldNotEvenTryOtherFormats(String file) {
    assertRefused(file.getBytes(StandardCharsets.ISO_8859_1), "not a picture: neither JPEG");
  }

  private static void decodeOrRefuse(byte[] file) {
    try {
      assertThat(CODEC.decode(file)).hasSize(SIDE * SIDE * 3);
    } catch (UnreadableImageException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Test
  void shouldDecodeEverySample() throws UnreadableImageException {
    for (byte[] sample : FILES.samples()) {
      assertThat(CODEC.decode(sample)).hasSize(SIDE * SIDE * 3);
      PictureHeader header = PictureHeader.read(sample);
      boolean simple = sample[0] == 'R'; // A WebP file without an extension says so in bits.
      assertThat(header).isEqualTo(simple ? new PictureHeader(1, 1) : new PictureHeader(30, 40));
    }
  }

  private static void assertRefused(byte[] file, String... words) {
    assertThatThrownBy(() -> CODEC.decode(file))
        .isInstanceOf(UnreadableImageException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  /** OpenCV itself refuses only from 2^30 pixels on, that is, it takes 3 GB. */
  @ParameterizedTest
  @ValueSource(ints = {65535, 32767, 11_586})
  void shouldRefuseHeadersThatPromiseTooMuch(int side) {
    String size = side + "x" + side;
    byte[] png = written("png", 40, 30);
    ByteBuffer.wrap(png).putInt(16, side).putInt(20, side);
    var crc = new CRC32();
    crc.update(png, 12, 17);
    ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
    assertRefused(png, "its header promises " + size + " pixels, allowed are 134217728");

    byte[] jpeg = written("jpg", 40, 30);
    for (int i = 0; i < jpeg.length - 8; i++) {
      if ((jpeg[i] & 0xFF) == 0xFF && (jpeg[i + 1] & 0xFF) == 0xC0) {
        ByteBuffer.wrap(jpeg).putShort(i + 5, (short) side).putShort(i + 7, (short) side);
      }
    }
    assertRefused(jpeg, "promises " + size);

    byte[] bmp = written("bmp", 40, 30);
    ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, side).putInt(22, -side);
    assertRefused(bmp, "promises " + size);
  }

  /** One column of 100 000 pixels would have become 24 of 2.4 million, or 26 billion at 512x512. */
  @Test
  void shouldRefusePicturesSoLongThatTheyWouldGrowHuge() {
    byte[] file = written("png", 1, 100_000);
    assertThatThrownBy(() -> new ImageCodec(512, 512, 3).decode(file))
        .isInstanceOf(UnreadableImageException.class)
        .hasMessage(
            "its 100000x1 pixels, to cover 512x512, become 51200000x512 pixels, allowed are"
                + " 134217728 in all");
  }
}
