package io.tandem.worker.data;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongUnaryOperator;

/**
 * Reads images of one split, taking another in a broken one's place. What is taken depends on the
 * files alone, not on who reads or when. Thread-safe; shared by the ranks of a process.
 */
final class ReadableImages {
  private final ImageSource source;
  private final double maximumBroken;
  private final BrokenImageListener listener;
  private final Set<Long> broken = ConcurrentHashMap.newKeySet();

  ReadableImages(ImageSource source, double maximumBroken, BrokenImageListener listener) {
    this.source = source;
    this.maximumBroken = maximumBroken;
    this.listener = listener;
  }

  /**
   * One image's pixels.
   *
   * @param sample the image that was read
   */
  record Read(long sample, byte[] pixels) {}

  /** How many broken images were met. */
  int brokenCount() {
    return broken.size();
  }

  /**
   * Reads the sample, or the first readable one that {@code next} leads to.
   *
   * @param next walks around a ring of samples of the same kind
   * @throws DataException when too many are broken, or all of the ring
   */
  Read read(long sample, LongUnaryOperator next) {
    String reason = null;
    long candidate = sample;
    do {
      if (!broken.contains(candidate)) {
        try {
          Read read = new Read(candidate, source.decode((int) candidate));
          if (reason != null) {
            listener.broken(name(sample), reason, name(candidate));
          }
          return read;
        } catch (UnreadableImageException e) {
          boolean first = broken.add(candidate);
          if (first && candidate == sample) {
            reason = e.getMessage();
          } else if (first) {
            listener.broken(name(candidate), e.getMessage(), "the next of its kind");
          }
          refuseTooMany(candidate, e);
        }
      }
      candidate = next.applyAsLong(candidate);
    } while (candidate != sample);
    throw new DataException(
        name(sample) + " cannot be read, nor can any other image of its kind; repair the files");
  }

  private void refuseTooMany(long latest, UnreadableImageException cause) {
    double share = (double) broken.size() / source.count();
    if (share > maximumBroken) {
      throw new DataException(
          broken.size()
              + " of "
              + source.count()
              + " images cannot be read, the latest "
              + name(latest)
              + " ("
              + cause.getMessage()
              + "); data.maximumBroken allows a share of "
              + maximumBroken
              + ": repair the files or raise it",
          cause);
    }
  }

  private String name(long sample) {
    return source.name((int) sample);
  }
}
