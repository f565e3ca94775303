package io.tandem.worker.data;

import io.tandem.protocol.job.DataSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * MNIST's format, plain or gzip: a big-endian magic number (3 dimensions of bytes for images, 1 for
 * labels), the sizes, then bytes. All training images are labelled.
 */
final class IdxFiles {
  private static final int IMAGES = 0x00000803;
  private static final int LABELS = 0x00000801;

  private IdxFiles() {}

  static DataSet open(Path directory, DataSpec spec) {
    return new DataSet(split(directory, "train", spec), split(directory, "t10k", spec));
  }

  private static ImageSource split(Path directory, String prefix, DataSpec spec) {
    Path imageFile = find(directory, prefix + "-images-idx3-ubyte");
    Path labelFile = find(directory, prefix + "-labels-idx1-ubyte");
    Idx images = read(imageFile, IMAGES, 3);
    int count = images.sizes()[0];
    int rows = images.sizes()[1];
    int columns = images.sizes()[2];
    Idx labels = read(labelFile, LABELS, 1);
    if (labels.sizes()[0] != count) {
      throw new DataException(
          imageFile
              + " holds "
              + count
              + " images, but "
              + labelFile
              + " "
              + labels.sizes()[0]
              + " labels; the two must belong together");
    }
    byte[] body = labels.body();
    int[] classes = new int[count];
    for (int i = 0; i < count; i++) {
      classes[i] = Labels.checked(body[i] & 0xFF, spec.classes(), labelFile + ", label " + i);
    }
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    return new RawImages(
        imageFile.getFileName().toString(), images.body(), classes, rows, columns, 1, codec);
  }

  private static Path find(Path directory, String name) {
    for (String candidate : new String[] {name + ".gz", name}) {
      Path file = directory.resolve(candidate);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    throw new DataException(
        directory
            + " lacks "
            + name
            + " (or "
            + name
            + ".gz); format idx needs the four files of"
            + " MNIST: train and t10k, images-idx3-ubyte and labels-idx1-ubyte");
  }

  /**
   * A whole file.
   *
   * @param sizes of its dimensions
   * @param body as many bytes as the sizes' product
   */
  private record Idx(int[] sizes, byte[] body) {}

  private static Idx read(Path file, int magic, int dimensions) {
    try (InputStream raw = Files.newInputStream(file);
        InputStream in =
            file.toString().endsWith(".gz") ? new GZIPInputStream(raw, 1 << 16) : raw) {
      int[] sizes =
          header(in.readNBytes((1 + dimensions) * Integer.BYTES), file, magic, dimensions);
      int expected = product(sizes, file);
      // No more than the header promises: a few bytes of gzip may hold gigabytes.
      byte[] body = in.readNBytes(expected);
      if (body.length < expected) {
        throw new DataException(
            file
                + " is truncated: its header promises "
                + expected
                + " bytes, "
                + body.length
                + " follow; fetch it again");
      }
      in.read(); // The end of a gzip file is where its checksum is compared.
      return new Idx(sizes, body);
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage() + "; fetch it again", e);
    }
  }

  private static int[] header(byte[] bytes, Path file, int magic, int dimensions) {
    if (bytes.length < (1 + dimensions) * Integer.BYTES) {
      throw new DataException(
          file + " is truncated: " + bytes.length + " bytes, not even a header; fetch it again");
    }
    ByteBuffer header = ByteBuffer.wrap(bytes);
    int given = header.getInt();
    if (given != magic) {
      throw new DataException(
          String.format(
              "%s starts with 0x%08x, an idx file of %s with 0x%08x; give the right file",
              file, given, magic == IMAGES ? "images" : "labels", magic));
    }
    int[] sizes = new int[dimensions];
    header.asIntBuffer().get(sizes);
    return sizes;
  }

  /** The bytes that the header promises. */
  private static int product(int[] sizes, Path file) {
    long product = 1;
    for (int i = 0; i < sizes.length; i++) {
      // There may be no picture, but none without pixels.
      if (sizes[i] < (i == 0 ? 0 : 1)) {
        throw new DataException(
            file
                + " promises sizes "
                + Arrays.toString(sizes)
                + "; they must be positive: the file is damaged, fetch it again");
      }
      product = product > Integer.MAX_VALUE ? product : product * sizes[i];
    }
    return Held.checked(product, file);
  }
}
