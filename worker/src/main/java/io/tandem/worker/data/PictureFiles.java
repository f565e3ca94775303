package io.tandem.worker.data;

import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Encoded picture files, decoded when asked for.
 *
 * @param directory what the entries' paths are relative to
 */
record PictureFiles(Path directory, List<Entry> entries, ImageCodec codec) implements ImageSource {
  private static final long LARGEST_FILE = 1L << 28;

  /**
   * One picture.
   *
   * @param path relative to the directory
   * @param label the class, or {@link ImageSource#UNLABELED}
   */
  record Entry(String path, int label) {}

  PictureFiles {
    entries = List.copyOf(entries);
  }

  @Override
  public int count() {
    return entries.size();
  }

  @Override
  public int label(int index) {
    return entries.get(index).label();
  }

  @Override
  public String name(int index) {
    return entries.get(index).path();
  }

  @Override
  public byte[] decode(int index) throws UnreadableImageException {
    Path file = directory.resolve(name(index));
    byte[] bytes;
    try {
      BasicFileAttributes told = Files.readAttributes(file, BasicFileAttributes.class);
      if (!told.isRegularFile()) {
        throw new UnreadableImageException("it is no file"); // a device may have no end
      }
      if (told.size() > LARGEST_FILE) {
        throw new UnreadableImageException("it has more than " + LARGEST_FILE + " bytes");
      }
      bytes = Files.readAllBytes(file);
    } catch (ClosedByInterruptException e) {
      // The reader is being stopped; the image may be fine.
      throw new CancellationException("interrupted while reading " + file);
    } catch (StoreException e) {
      throw new DataException(e.getMessage(), e); // the image may be fine
    } catch (UncheckedIOException e) {
      throw new DataException(e.getCause().getMessage(), e); // the same
    } catch (IOException e) {
      throw new UnreadableImageException(
          Files.exists(file) ? "cannot be read: " + e.getMessage() : "the file is missing", e);
    }
    return codec.decode(bytes);
  }
}
