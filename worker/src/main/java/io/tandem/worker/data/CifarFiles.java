package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * CIFAR-10's binary format: records of one label byte and 3072 pixels, channel planes first
 * (https://www.cs.toronto.edu/~kriz/cifar.html). All training images are labelled.
 */
final class CifarFiles {
  private static final int SIDE = 32;
  private static final int PLANE = SIDE * SIDE;
  private static final int RECORD = 1 + 3 * PLANE;

  private CifarFiles() {}

  static DataSet open(Path directory, DataSpec spec) {
    return new DataSet(split(directory, "data_batch_", spec), split(directory, "test_batch", spec));
  }

  private static ImageSource split(Path directory, String prefix, DataSpec spec) {
    List<Path> files;
    try (Stream<Path> list = Files.list(directory)) {
      files =
          list.filter(f -> f.getFileName().toString().startsWith(prefix))
              .filter(f -> f.toString().endsWith(".bin"))
              .sorted()
              .toList();
    } catch (IOException e) {
      throw new DataException(directory + " cannot be listed: " + e.getMessage(), e);
    }
    if (files.isEmpty()) {
      throw new DataException(
          directory
              + " lacks "
              + prefix
              + "*.bin; format cifar10 needs data_batch_1.bin to"
              + " data_batch_5.bin and test_batch.bin (the binary version)");
    }
    ByteArrayOutputStream records = new ByteArrayOutputStream();
    for (Path file : files) {
      records.writeBytes(read(file, records.size()));
    }
    return images(records.toByteArray(), directory, prefix, spec);
  }

  private static byte[] read(Path file, long before) {
    try {
      Held.checked(before + Files.size(file), file);
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length == 0 || bytes.length % RECORD != 0) {
        throw new DataException(
            file
                + " has "
                + bytes.length
                + " bytes, a multiple of "
                + RECORD
                + " is expected; it is truncated or not CIFAR-10's binary version");
      }
      return bytes;
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static ImageSource images(byte[] records, Path directory, String title, DataSpec spec) {
    String where = directory.resolve(title) + "*.bin, label ";
    int count = records.length / RECORD;
    int[] labels = new int[count];
    byte[] pixels = new byte[count * 3 * PLANE];
    for (int i = 0; i < count; i++) {
      int start = i * RECORD;
      labels[i] = Labels.checked(records[start] & 0xFF, spec.classes(), where + i);
      for (int p = 0; p < PLANE; p++) {
        for (int c = 0; c < 3; c++) {
          pixels[(i * PLANE + p) * 3 + c] = records[start + 1 + c * PLANE + p];
        }
      }
    }
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    return new RawImages(title, pixels, labels, SIDE, SIDE, 3, codec);
  }
}
