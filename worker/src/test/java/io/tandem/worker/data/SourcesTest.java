package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.control.SampleLimits;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourcesTest {
  private static final int CLASSES = 3;
  @TempDir Path directory;

  @BeforeEach
  void writeIdx() throws IOException {
    for (String split : new String[] {"train", "t10k"}) {
      gzip(split + "-images-idx3-ubyte.gz", idx(0x803, new int[] {6, 2, 2}, 24));
      Files.write(directory.resolve(split + "-labels-idx1-ubyte"), idx(0x801, new int[] {6}, 6));
    }
  }

  @Test
  void shouldReadIdxGzipOrPlain() throws Exception {
    DataSet images = DataSet.open(spec(Format.IDX, 2, 1));
    assertThat(images.train().count()).isEqualTo(6);
    assertThat(images.train().label(4)).isEqualTo(1);
    assertThat(images.train().decode(1)).containsExactly(4, 5, 6, 7);
    assertThat(images.train().name(1)).isEqualTo("train-images-idx3-ubyte.gz#1");
    assertThat(DataSet.open(spec(Format.IDX, 4, 3)).test().decode(0)).hasSize(48);
  }

  @Test
  void shouldSayWhatIsWrongWithIdxFiles() throws IOException {
    Path labels = directory.resolve("t10k-labels-idx1-ubyte");
    Files.write(labels, idx(0x801, new int[] {6}, 4));
    assertFails(Format.IDX, "t10k-labels-idx1-ubyte is truncated", "promises 6 bytes, 4 follow");
    Files.write(labels, idx(0x802, new int[] {6}, 6));
    assertFails(Format.IDX, "starts with 0x00000802", "with 0x00000801");
    Files.write(labels, idx(0x801, new int[] {5}, 5));
    assertFails(Format.IDX, "holds 6 images", "5 labels");
    Files.write(labels, new byte[] {0, 0, 8});
    assertFails(Format.IDX, "is truncated: 3 bytes");
    byte[] wrong = idx(0x801, new int[] {6}, 6);
    wrong[wrong.length - 1] = 3;
    Files.write(labels, wrong);
    assertFails(Format.IDX, "label 5 is 3, allowed are 0..2", "change data.classes");
    Files.delete(labels);
    assertFails(Format.IDX, "lacks t10k-labels-idx1-ubyte");
    byte[] zipped = Files.readAllBytes(directory.resolve("train-images-idx3-ubyte.gz"));
    Files.write(
        directory.resolve("train-images-idx3-ubyte.gz"), Arrays.copyOf(zipped, zipped.length / 2));
    assertFails(Format.IDX, "train-images-idx3-ubyte.gz cannot be read");
  }

  @Test
  void shouldRefuseAMissingDirectory() {
    DataSpec spec = Specs.of(Format.IDX, directory.resolve("nowhere"), 2, 1, CLASSES, 0);
    assertThatThrownBy(() -> DataSet.open(spec))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("nowhere does not exist")
        .hasMessageContaining("every worker can read");
  }

  @Test
  void shouldReadCifarPlanesAsPixels() throws Exception {
    byte[] records = new byte[2 * 3073];
    records[3073] = 2;
    records[3073 + 1] = 10;
    records[3073 + 1 + 1024] = 20;
    records[3073 + 1 + 2048] = 30;
    Files.write(directory.resolve("data_batch_1.bin"), records);
    Files.write(directory.resolve("data_batch_2.bin"), records);
    Files.write(directory.resolve("test_batch.bin"), records);
    DataSet images = DataSet.open(spec(Format.CIFAR10, 32, 3));
    assertThat(images.train().count()).isEqualTo(4);
    assertThat(images.test().label(1)).isEqualTo(2);
    assertThat(images.train().decode(3)).startsWith(10, 20, 30, 0);
    Files.write(directory.resolve("test_batch.bin"), new byte[3072]);
    assertFails(Format.CIFAR10, "has 3072 bytes, a multiple of 3073");
    Files.delete(directory.resolve("test_batch.bin"));
    assertFails(Format.CIFAR10, "lacks test_batch");
  }

  @Test
  void shouldReadCsvWithEitherSpellingAndWithoutUnlabelledLabels() throws IOException {
    csv(
        "label,path,split\n1,a.jpg,labelled\n2,\"b,c.jpg\",train\n0,d.jpg,unlabeled\n"
            + "x,e.jpg,unlabelled\n\n2,t.jpg,TEST\n");
    DataSet images = DataSet.open(spec(Format.CSV, 8, 3));
    assertThat(images.train().count()).isEqualTo(4);
    assertThat(images.train().name(1)).isEqualTo("b,c.jpg");
    assertThat(images.train().label(1)).isEqualTo(2);
    assertThat(images.train().label(2)).isEqualTo(ImageSource.UNLABELED);
    assertThat(images.train().label(3)).isEqualTo(ImageSource.UNLABELED);
    assertThat(images.test().label(0)).isEqualTo(2);
    assertThatThrownBy(() -> images.train().decode(0))
        .isInstanceOf(UnreadableImageException.class)
        .hasMessageContaining("missing");
  }

  @Test
  void shouldSayWhatIsWrongWithACsv() throws IOException {
    assertFails(Format.CSV, "labels.csv does not exist");
    csv("path,label\na,0\n");
    assertFails(Format.CSV, "[path, label]", "add split");
    csv("path,label,split\na,3,labelled\n");
    assertFails(Format.CSV, "line 2: label is 3, allowed are 0..2");
    csv("path,label,split\na,,test\n");
    assertFails(Format.CSV, "line 2: label is ''", "need one");
    csv("path,label,split\na,0,validation\n");
    assertFails(Format.CSV, "split is 'validation'", "labelled, unlabelled and test");
    csv("path,label,split\na,0\n");
    assertFails(Format.CSV, "line 2 has 2 cells, the header 3");
    csv("path,label,split\n,0,labelled\n");
    assertFails(Format.CSV, "line 2: path is empty");
    csv("path,label,split\na,0,labelled\n./a,0,test\n");
    assertFails(Format.CSV, "a is both a training and a test image");
    csv("path,label,split\na,0,labelled\n");
    assertFails(Format.CSV, "1 training and 0 test images");
  }

  @Test
  void shouldRefuseFoldersThatDoNotFitTheClasses() throws IOException {
    assertFails(Format.FOLDER, "train does not exist", "train/CLASS");
    for (String name : new String[] {"train/a", "train/b", "test/z"}) {
      Files.createDirectories(directory.resolve(name));
    }
    assertFails(Format.FOLDER, "holds 2 class directories", "data.classes is 3");
    Files.createDirectories(directory.resolve("train/c"));
    assertFails(Format.FOLDER, "z is no class of train", "[a, b, c]");
  }

  @Test
  void shouldRefuseTooFewLabels() {
    DataSet images = DataSet.open(spec(Format.IDX, 2, 1));
    assertThat(LabeledSubset.choose(images.train(), CLASSES, 0, 1)).hasSize(6);
    assertThat(LabeledSubset.choose(images.train(), CLASSES, 1, 1)).hasSize(3);
    assertThatThrownBy(() -> LabeledSubset.choose(images.train(), CLASSES, 3, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("class 0 has only 2 labelled");
    assertThatThrownBy(() -> LabeledSubset.choose(images.train(), 4, 0, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("class 3 has only 0");
  }

  @Test
  void shouldChooseOtherLabelledImagesByAnotherSeed() {
    FakeImages train = new FakeImages(1000, 10, 1, java.util.Set.of());
    int[] first = LabeledSubset.choose(train, 10, 4, 1);
    assertThat(LabeledSubset.choose(train, 10, 4, 1)).isEqualTo(first);
    assertThat(LabeledSubset.choose(train, 10, 4, 2)).isNotEqualTo(first);
    assertThat(Arrays.stream(first).distinct().count()).isEqualTo(40);
    for (int k = 0; k < 10; k++) {
      int label = k;
      assertThat(Arrays.stream(first).filter(i -> train.label(i) == label).count()).isEqualTo(4);
    }
  }

  @Test
  void shouldScaleTheShortSideAndCutTheCentre() throws Exception {
    // 20 rows of 60 columns: dark, bright, dark thirds; the centre square is the bright third.
    byte[] bgr = new byte[20 * 60 * 3];
    for (int i = 0; i < bgr.length; i++) {
      bgr[i] = (byte) (i / 3 % 60 / 20 == 1 ? 200 : 0);
    }
    byte[] pixels = new ImageCodec(10, 10, 3).decode(ImageCodec.encodeJpeg(bgr, 20, 60, 95));
    for (int y = 0; y < 10; y++) {
      for (int x = 1; x < 9; x++) {
        assertThat(pixels[(y * 10 + x) * 3] & 0xFF).isBetween(185, 215);
      }
    }
  }

  @Test
  void shouldKeepTheOrderOfColours() throws Exception {
    byte[] bgr = new byte[16 * 16 * 3];
    for (int i = 0; i < bgr.length; i += 3) {
      bgr[i + 2] = (byte) 220; // red
    }
    byte[] pixels = new ImageCodec(16, 16, 3).decode(ImageCodec.encodeJpeg(bgr, 16, 16, 95));
    assertThat(pixels[0] & 0xFF).isGreaterThan(200);
    assertThat(pixels[2] & 0xFF).isLessThan(30);
  }

  @Test
  void shouldMakeSmallPicturesForPeople() throws Exception {
    byte[] red = new byte[40 * 20 * 3];
    for (int i = 0; i < red.length; i += 3) {
      red[i] = (byte) 220;
    }
    byte[] png = new ImageCodec(20, 40, 3).thumbnail(red, 96);
    BufferedImage whole = ImageIO.read(new ByteArrayInputStream(png));
    assertThat(new String(png, 1, 3, StandardCharsets.US_ASCII)).isEqualTo("PNG");
    assertThat(whole.getWidth()).isEqualTo(40);
    assertThat(new Color(whole.getRGB(5, 5))).isEqualTo(new Color(220, 0, 0));

    byte[] noise = new byte[300 * 600 * 3];
    new java.util.Random(1).nextBytes(noise);
    byte[] jpeg = new ImageCodec(300, 600, 3).thumbnail(noise, 96);
    assertThat(jpeg[0] & 0xff).isEqualTo(0xff);
    assertThat(jpeg.length).isLessThan(SampleLimits.IMAGE_BYTES);
    BufferedImage small = ImageIO.read(new ByteArrayInputStream(jpeg));
    assertThat(small.getWidth()).isEqualTo(96);
    assertThat(small.getHeight()).isEqualTo(48);
    byte[] grey = new ImageCodec(28, 28, 1).thumbnail(new byte[28 * 28], 96);
    assertThat(ImageIO.read(new ByteArrayInputStream(grey)).getHeight()).isEqualTo(28);
  }

  @Test
  void shouldCallTruncatedAndForeignFilesUnreadable() throws Exception {
    byte[] bgr = new byte[64 * 64 * 3];
    new java.util.Random(1).nextBytes(bgr);
    byte[] whole = ImageCodec.encodeJpeg(bgr, 64, 64, 90);
    ImageCodec codec = new ImageCodec(64, 64, 3);
    for (int length : new int[] {0, 3, 20, whole.length / 2, whole.length - 2}) {
      assertThatThrownBy(() -> codec.decode(Arrays.copyOf(whole, length)))
          .as("first %s bytes", length)
          .isInstanceOf(UnreadableImageException.class);
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    BufferedImage picture = new BufferedImage(64, 64, BufferedImage.TYPE_3BYTE_BGR);
    picture.getRaster().setDataElements(0, 0, 64, 64, bgr);
    ImageIO.write(picture, "png", png);
    assertThat(codec.decode(png.toByteArray())).hasSize(bgr.length);
    assertThatThrownBy(() -> codec.decode(Arrays.copyOf(png.toByteArray(), png.size() / 2)))
        .isInstanceOf(UnreadableImageException.class);
    assertThatThrownBy(() -> codec.decode("no picture".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(UnreadableImageException.class)
        .hasMessageContaining("not a picture");
  }

  private void assertFails(Format format, String... parts) {
    assertThatThrownBy(() -> DataSet.open(spec(format, format == Format.IDX ? 2 : 32, 3)))
        .isInstanceOf(DataException.class)
        .message()
        .contains(parts);
  }

  private DataSpec spec(Format format, int side, int channels) {
    return Specs.of(format, directory, side, channels, CLASSES, 0);
  }

  private void csv(String content) throws IOException {
    Files.writeString(directory.resolve("labels.csv"), content);
  }

  private void gzip(String name, byte[] bytes) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(directory.resolve(name)))) {
      out.write(bytes);
    }
  }

  /** Magic, sizes, then bytes: 0, 1, 2, ... for images; 0, 1, 2, 0, 1, 2 for labels. */
  private static byte[] idx(int magic, int[] sizes, int body) {
    ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * sizes.length + body).putInt(magic);
    Arrays.stream(sizes).forEach(buffer::putInt);
    for (int i = 0; i < body; i++) {
      buffer.put((byte) (magic == 0x803 ? i : i % CLASSES));
    }
    return buffer.array();
  }
}
