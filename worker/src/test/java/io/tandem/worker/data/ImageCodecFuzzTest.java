package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
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
