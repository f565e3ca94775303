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
    ByteBuffer images = read(imageFile, IMAGES, 4);
    int count = images.getInt();
    int rows = images.getInt();
    int columns = images.getInt();
    if (count < 0 || rows < 1 || columns < 1) {
      throw new DataException(
          imageFile
              + " promises "
              + count
              + " images of "
              + rows
              + "x"
              + columns
              + "; sizes must be positive: the file is damaged, fetch it again");
    }
    byte[] pixels = body(images, imageFile, (long) count * rows * columns);
    ByteBuffer labels = read(labelFile, LABELS, 2);
    int labelCount = labels.getInt();
    if (labelCount != count) {
      throw new DataException(
          imageFile
              + " holds "
              + count
              + " images, but "
              + labelFile
              + " "
              + labelCount
              + " labels; the two must belong together");
    }
    byte[] body = body(labels, labelFile, count);
    int[] classes = new int[count];
    for (int i = 0; i < count; i++) {
      classes[i] = Labels.checked(body[i] & 0xFF, spec.classes(), labelFile + ", label " + i);
    }
    ImageCodec codec = new ImageCodec(spec.imageHeight(), spec.imageWidth(), spec.channels());
    return new RawImages(
        imageFile.getFileName().toString(), pixels, classes, rows, columns, 1, codec);
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

  private static ByteBuffer read(Path file, int magic, int headerInts) {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes =
          file.toString().endsWith(".gz")
              ? new GZIPInputStream(in, 1 << 16).readAllBytes()
              : in.readAllBytes();
    } catch (IOException e) {
      throw new DataException(file + " cannot be read: " + e.getMessage() + "; fetch it again", e);
    }
    if (bytes.length < headerInts * Integer.BYTES) {
      throw new DataException(
          file + " is truncated: " + bytes.length + " bytes, not even a header; fetch it again");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int given = buffer.getInt();
    if (given != magic) {
      throw new DataException(
          String.format(
              "%s starts with 0x%08x, an idx file of %s with 0x%08x; give the right file",
              file, given, magic == IMAGES ? "images" : "labels", magic));
    }
    return buffer;
  }

  private static byte[] body(ByteBuffer buffer, Path file, long expected) {
    if (expected < 0 || buffer.remaining() < expected) {
      throw new DataException(
          file
              + " is truncated: its header promises "
              + expected
              + " bytes, "
              + buffer.remaining()
              + " follow; fetch it again");
    }
    int from = buffer.position();
    return Arrays.copyOfRange(buffer.array(), from, from + (int) expected);
  }
}
