package io.tandem.worker.data;

import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/**
 * A picture that is a file of its own.
 *
 * @param name its path, relative to the data's directory
 */
record FilePicture(String name, int label) implements EncodedPictures.Entry {
  private static final long LARGEST_FILE = 1L << 28;

  static ImageSource source(Path directory, List<FilePicture> entries, ImageCodec codec) {
    return new EncodedPictures<>(entries, entry -> read(directory.resolve(entry.name())), codec);
  }

  private static byte[] read(Path file) throws IOException, UnreadableImageException {
    try {
      BasicFileAttributes told = Files.readAttributes(file, BasicFileAttributes.class);
      if (!told.isRegularFile()) {
        throw new UnreadableImageException("it is no file"); // a device may have no end
      }
      if (told.size() > LARGEST_FILE) {
        throw new UnreadableImageException("it has more than " + LARGEST_FILE + " bytes");
      }
      return Files.readAllBytes(file);
    } catch (ClosedByInterruptException | StoreException e) {
      throw e;
    } catch (IOException e) {
      if (Files.exists(file)) {
        throw e;
      }
      throw new UnreadableImageException("the file is missing", e);
    }
  }
}
