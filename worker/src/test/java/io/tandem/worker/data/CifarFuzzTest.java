package io.tandem.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Scratch;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.DataSpec.Format;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Of CIFAR-10's files exactly the whole ones are taken, pixel by pixel; the others are refused. */
class CifarFuzzTest {
  private static final int RECORD = 3073;
  private static final int CLASSES = 7;
  private static final long LITTLE = 8L << 20;
  private static final int[] LABELS = {0, 1, 2, 3, 4, 5, 6};
  private static final int[] ODD_LABELS = {7, 8, 9, 10, 127, 128, 254, 255};

  private static Path directory;

  @BeforeContainer
  static void write() throws IOException {
    // So that what loading OpenCV takes is not taken for what an input takes.
    ImageCodec.encodeJpeg(new byte[3], 1, 1, 50);
    directory = Scratch.directory();
    Files.write(directory.resolve("test_batch.bin"), new byte[RECORD]);
  }

  @AfterContainer
  static void remove() throws IOException {
    for (String file : new String[] {"data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"}) {
      Files.deleteIfExists(directory.resolve(file));
    }
    Files.delete(directory);
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldTakeWholeFilesAndNoOthers(@ForAll("seeds") long seed) throws IOException {
    Random random = new Random(seed);
    byte[] first = file(random);
    byte[] second = file(random);
    Files.write(directory.resolve("data_batch_1.bin"), first);
    Files.write(directory.resolve("data_batch_2.bin"), second);
    DataSpec spec = Specs.of(Format.CIFAR10, directory, 32, 3, CLASSES, 0);
    boolean whole = isWhole(first) && isWhole(second);
    Bounded.run(
        LITTLE,
        () -> {
          if (!whole) {
            assertThatThrownBy(() -> DataSet.open(spec))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(directory.resolve("data_batch_").toString());
            return;
          }
          ImageSource train = DataSet.open(spec).train();
          var all = new ByteArrayOutputStream();
          all.writeBytes(first);
          all.writeBytes(second);
          byte[] records = all.toByteArray();
          assertThat(train.count()).isEqualTo(records.length / RECORD);
          for (int i = 0; i < train.count(); i++) {
            byte[] record = Arrays.copyOfRange(records, i * RECORD, (i + 1) * RECORD);
            assertThat(train.label(i)).isEqualTo(record[0]);
            assertThat(train.decode(i)).isEqualTo(interleaved(record));
          }
        });
  }

  private static byte[] file(Random random) {
    var out = new ByteArrayOutputStream();
    for (int records = random.nextInt(10) == 0 ? 0 : 1 + random.nextInt(2);
        records > 0;
        records--) {
      byte[] record = new byte[RECORD];
      random.nextBytes(record);
      int[] labels = random.nextInt(12) == 0 ? ODD_LABELS : LABELS;
      record[0] = (byte) labels[random.nextInt(labels.length)];
      out.writeBytes(record);
    }
    byte[] file = out.toByteArray();
    return switch (random.nextInt(12)) {
      case 0 -> Arrays.copyOf(file, file.length + 1 + random.nextInt(RECORD + 2));
      case 1 -> Arrays.copyOf(file, random.nextInt(file.length + 1));
      case 2 -> Arrays.copyOf(file, Math.max(0, file.length - 1));
      default -> file;
    };
  }

  private static boolean isWhole(byte[] file) {
    for (int i = 0; i < file.length; i += RECORD) {
      if (file[i] < 0 || file[i] >= CLASSES) {
        return false;
      }
    }
    return file.length > 0 && file.length % RECORD == 0;
  }

  /** Channels last: red, green and blue of each pixel, of which the file has a plane each. */
  private static byte[] interleaved(byte[] record) {
    byte[] pixels = new byte[RECORD - 1];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = record[1 + i % 3 * 1024 + i / 3];
    }
    return pixels;
  }
}
