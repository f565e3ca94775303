package io.tandem.worker.data;

import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;

/** Encoded pictures in archives, read from their places and decoded when asked for. */
record TarPictures(List<Entry> entries, ImageCodec codec) implements ImageSource {
  /**
   * One picture.
   *
   * @param name of archive and file, for people
   * @param offset of its first byte in the archive
   * @param size in bytes
   * @param label the class, or {@link ImageSource#UNLABELED}
   */
  record Entry(Path archive, String name, long offset, int size, int label) {}

  TarPictures {
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
    return entries.get(index).name();
  }

  @Override
  public byte[] decode(int index) throws UnreadableImageException {
    Entry entry = entries.get(index);
    ByteBuffer bytes = ByteBuffer.allocate(entry.size());
    try (FileChannel archive = FileChannel.open(entry.archive())) {
      while (bytes.hasRemaining()) {
        if (archive.read(bytes, entry.offset() + bytes.position()) < 0) {
          throw new UnreadableImageException("the archive ends before it");
        }
      }
    } catch (ClosedByInterruptException e) {
      // The reader is being stopped; the image may be fine.
      throw new CancellationException("interrupted while reading " + entry.name());
    } catch (StoreException e) {
      throw new DataException(e.getMessage(), e); // the image may be fine
    } catch (IOException e) {
      throw new UnreadableImageException("cannot be read: " + e.getMessage(), e);
    }
    return codec.decode(bytes.array());
  }
}
