package io.tandem.protocol.tls;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is made of files, made again when one of them has changed; looked at once a second at most,
 * when it is asked for. Where the new files are wrong that is reported, and what was stays.
 * Thread-safe.
 */
public final class Renewed<T> {
  private static final Logger LOG = LoggerFactory.getLogger(Renewed.class);
  private static final long LOOK_NS = Duration.ofSeconds(1).toNanos();

  private final List<Path> files;
  private final Supplier<T> maker;
  private final LongSupplier clock;
  private List<FileTime> modified;
  private T value;
  private long lookedNs;

  /**
   * Makes it for the first time.
   *
   * @param maker throws {@link IllegalArgumentException} where the files are wrong
   * @param clock as {@link System#nanoTime}
   * @throws IllegalArgumentException where they are
   */
  public Renewed(List<Path> files, Supplier<T> maker, LongSupplier clock) {
    this.files = List.copyOf(files);
    this.maker = maker;
    this.clock = clock;
    this.modified = modified();
    this.value = maker.get();
    this.lookedNs = clock.getAsLong();
  }

  /** As the files are now. */
  public synchronized T get() {
    if (clock.getAsLong() - lookedNs >= LOOK_NS) {
      lookedNs = clock.getAsLong();
      try {
        List<FileTime> now = modified();
        if (!now.equals(modified)) {
          value = maker.get();
          modified = now;
          LOG.info("read {} again", files);
        }
      } catch (IllegalArgumentException e) {
        // One of them may be written already and another not yet: looked at again.
        LOG.error("the last good files of {} stay in use: {}", files, e.getMessage());
      }
    }
    return value;
  }

  private List<FileTime> modified() {
    List<FileTime> times = new ArrayList<>();
    for (Path file : files) {
      try {
        times.add(Files.getLastModifiedTime(file));
      } catch (IOException e) {
        throw new IllegalArgumentException(file + " is missing, or cannot be read: " + e, e);
      }
    }
    return times;
  }
}
