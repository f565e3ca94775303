package io.tandem.worker.data;

import java.nio.file.Path;

/** What is held in memory as a whole must fit there. */
final class Held {
  /** Half of the heap, the rest is for training; and no more than an array may have. */
  private static final long MOST =
      Math.min(Runtime.getRuntime().maxMemory() / 2, Integer.MAX_VALUE - 8);

  private Held() {}

  /** The number itself. */
  static int checked(long bytes, Path file) {
    if (bytes > MOST) {
      throw new DataException(
          "%s has %d bytes of images or more, of which at most %d are held in memory: raise the"
                  .formatted(file, bytes, MOST)
              + " worker's heap (-Xmx), or keep the images as files (format folder or csv)");
    }
    return (int) bytes;
  }
}
