package io.tandem.worker.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import io.tandem.protocol.fuzz.Scratch;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever the files of a data set hold, they are read or refused in words. */
class DataFilesFuzzTest {
  private static final long LITTLE = 32L << 20;
  private static final int CLASSES = 3;
  private static final String TRAIN_IMAGES = "train-images-idx3-ubyte";

  static {
    // So that what loading OpenCV takes is not taken for what an input takes.
    ImageCodec.encodeJpeg(new byte[3], 1, 1, 50);
  }

  private Path directory;

  @BeforeTry
  @BeforeEach
  void write() throws IOException {
    directory = Scratch.directory();
    for (String split : List.of("train", "t10k")) {
      Files.write(directory.resolve(split + "-images-idx3-ubyte"), idx(0x803, 24, 6, 2, 2));
      Files.write(directory.resolve(split + "-labels-idx1-ubyte"), idx(0x801, 6, 6));
    }
    Files.write(directory.resolve("data_batch_1.bin"), new byte[2 * 3073]);
    Files.write(directory.resolve("test_batch.bin"), new byte[3073]);
  }

  @AfterTry
  @AfterEach
  void remove() throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  private static byte[] idx(int magic, int length, int... sizes) {
    ByteBuffer file = ByteBuffer.allocate((1 + sizes.length) * Integer.BYTES + length);
    file.putInt(magic);
    for (int size : sizes) {
      file.putInt(size);
    }
    for (int i = 0; file.hasRemaining(); i++) {
      file.put((byte) (i % CLASSES));
    }
    return file.array();
  }

  private static byte[] zipped(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    try (var zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private DataSpec spec(Format format) {
    return Specs.of(format, directory, 4, 1, CLASSES, 0);
  }

  private void readOrRefuse(Format format) {
    Bounded.run(
        LITTLE,
        () -> {
          DataSet read;
          try {
            read = DataSet.open(spec(format));
          } catch (DataException e) {
            assertThat(e.getMessage()).contains(directory.toString());
            return;
          }
          for (ImageSource source : List.of(read.train(), read.test())) {
            for (int i = 0; i < Math.min(3, source.count()); i++) {
              assertThat(source.label(i)).isBetween(ImageSource.UNLABELED, CLASSES - 1);
              try {
                assertThat(source.decode(i)).hasSize(16);
              } catch (UnreadableImageException e) {
                assertThat(e.getMessage()).isNotBlank();
              }
            }
          }
        });
  }

  @Provide
  Arbitrary<byte[]> idxFiles() {
    Hostile images = Hostile.of(idx(0x803, 24, 6, 2, 2));
    Hostile zips = Hostile.of(zipped(idx(0x803, 24, 6, 2, 2)));
    return Arbitraries.randomValue(
        random ->
            switch (random.nextInt(4)) {
              case 0 -> zips.next(random);
              case 1 -> zipped(images.next(random));
              default -> images.next(random);
            });
  }

  @Fuzz
  void shouldReadOrRefuseAnyIdxFile(@ForAll("idxFiles") byte[] file) throws IOException {
    boolean zip = file.length > 1 && file[0] == 0x1F && file[1] == (byte) 0x8B;
    Files.write(directory.resolve(TRAIN_IMAGES + (zip ? ".gz" : "")), file);
    readOrRefuse(Format.IDX);
  }

  @Provide
  Arbitrary<byte[]> labelFiles() {
    return Hostile.of(idx(0x801, 6, 6)).inputs();
  }

  @Fuzz
  void shouldReadOrRefuseAnyLabels(@ForAll("labelFiles") byte[] file) throws IOException {
    Files.write(directory.resolve("t10k-labels-idx1-ubyte"), file);
    readOrRefuse(Format.IDX);
  }

  @Provide
  Arbitrary<byte[]> records() {
    return Hostile.of(new byte[3073], new byte[2 * 3073]).inputs();
  }

  @Fuzz
  void shouldReadOrRefuseAnyCifarFile(@ForAll("records") byte[] file) throws IOException {
    Files.write(directory.resolve("data_batch_1.bin"), file);
    readOrRefuse(Format.CIFAR10);
  }

  @Provide
  Arbitrary<byte[]> tables() {
    String table =
        """
        path,label,split
        a.png,0,labelled
        "b,b.png",1,train
        c.png,,unlabelled
        d.png,2,test
        """;
    return Hostile.of(
            List.of(table, table.replace("\n", "\r\n")),
            "\"",
            "\"\"",
            ",",
            "\uFEFF",
            "\u0000",
            "/dev/zero",
            "..",
            "/",
            "-1",
            "99999999999",
            "\n",
            "test")
        .inputs();
  }

  @Fuzz
  void shouldReadOrRefuseAnyTable(@ForAll("tables") byte[] file) throws IOException {
    Files.write(directory.resolve("labels.csv"), file);
    readOrRefuse(Format.CSV);
  }

  private void assertRefused(Format format, String... words) {
    assertThatThrownBy(() -> DataSet.open(spec(format)))
        .isInstanceOf(DataException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  /** Their product is 2^64, which overflowed to no bytes at all. */
  @Test
  void shouldRefuseSizesWhoseProductOverflows() throws IOException {
    Files.write(directory.resolve(TRAIN_IMAGES), idx(0x803, 24, 1 << 30, 1 << 30, 16));
    assertRefused(Format.IDX, TRAIN_IMAGES, "are held in memory", "-Xmx");
  }

  @Test
  void shouldReadNoMoreOfAGzipFileThanItsHeaderPromises() throws IOException {
    byte[] bomb = zipped(idx(0x803, 64 << 20, 6, 2, 2));
    assertThat(bomb.length).isLessThan(1 << 20);
    Files.write(directory.resolve(TRAIN_IMAGES + ".gz"), bomb);
    readOrRefuse(Format.IDX);
  }

  @Test
  void shouldRefuseWhatDoesNotFitInMemory() throws IOException {
    try (var file = new RandomAccessFile(directory.resolve("data_batch_1.bin").toFile(), "rw")) {
      file.setLength(3073L << 20);
    }
    assertRefused(Format.CIFAR10, "data_batch_1.bin", "are held in memory", "-Xmx");
  }

  /** Reading a device would never end. */
  @Test
  void shouldNotReadWhatIsNoFile() throws Exception {
    Path table = directory.resolve("labels.csv");
    Files.writeString(
        table, "path,label,split\n/dev/zero,0,train\nhuge.png,0,train\nx,0,test\n", UTF_8);
    try (var file = new RandomAccessFile(directory.resolve("huge.png").toFile(), "rw")) {
      file.setLength(3L << 30);
    }
    ImageSource train = DataSet.open(spec(Format.CSV)).train();
    Bounded.run(
        LITTLE,
        () -> {
          assertThatThrownBy(() -> train.decode(0))
              .isInstanceOf(UnreadableImageException.class)
              .hasMessage("it is no file");
          assertThatThrownBy(() -> train.decode(1))
              .isInstanceOf(UnreadableImageException.class)
              .hasMessageContaining("more than 268435456 bytes");
        });
  }
}
