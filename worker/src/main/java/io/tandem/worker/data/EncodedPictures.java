package io.tandem.worker.data;

import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Encoded pictures, read from where they lie and decoded when asked for.
 *
 * @param reader fetches one's bytes; called by several threads at once
 */
record EncodedPictures<E extends EncodedPictures.Entry>(
    List<E> entries, Reader<E> reader, ImageCodec codec) implements ImageSource {
  /** One picture, and in its own words where it lies. */
  interface Entry {
    /** What people call it. */
    String name();

    /** The class, or {@link ImageSource#UNLABELED}. */
    int label();
  }

  /** Knows where pictures of a kind lie. */
  interface Reader<E> {
    /** The file as it is. */
    byte[] read(E entry) throws IOException, UnreadableImageException;
  }

  EncodedPictures {
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
    E entry = entries.get(index);
    byte[] file;
    try {
      file = reader.read(entry);
    } catch (ClosedByInterruptException e) {
      // The reader is being stopped; the image may be fine.
      throw new CancellationException("interrupted while reading " + entry.name());
    } catch (StoreException e) {
      throw new DataException(e.getMessage(), e); // the image may be fine
    } catch (UncheckedIOException e) {
      throw new DataException(e.getCause().getMessage(), e); // the same
    } catch (IOException e) {
      throw new UnreadableImageException("cannot be read: " + e.getMessage(), e);
    }
    return codec.decode(file);
  }
}
