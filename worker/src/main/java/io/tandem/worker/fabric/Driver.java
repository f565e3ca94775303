package io.tandem.worker.fabric;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A media driver in use: an external one, or one embedded in this JVM, which all who ask for the
 * same name share and the last one closes.
 */
final class Driver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Driver.class);
  private static final Map<String, Driver> EMBEDDED = new HashMap<>();
  private static final long MAX_PARK_NS = TimeUnit.MICROSECONDS.toNanos(200);

  private final String name;
  private final Path directory;
  private final MediaDriver embedded;
  private int users;

  private Driver(String name, Path directory, MediaDriver embedded) {
    this.name = name;
    this.directory = directory;
    this.embedded = embedded;
  }

  static Driver external(Path directory) {
    return new Driver(null, directory, null);
  }

  /**
   * The embedded driver of that name, begun where nobody uses it yet.
   *
   * @param change applied to a new driver's settings, for tests
   */
  static Driver embedded(String name, int attempt, Consumer<MediaDriver.Context> change) {
    synchronized (EMBEDDED) {
      Driver driver = EMBEDDED.computeIfAbsent(name, key -> launch(key, attempt, change));
      driver.users++;
      return driver;
    }
  }

  private static Driver launch(String name, int attempt, Consumer<MediaDriver.Context> change) {
    Path directory = DriverDirectories.create(attempt);
    MediaDriver.Context context = context(directory);
    change.accept(context);
    return new Driver(name, directory, MediaDriver.launch(context));
  }

  /** Settings of a driver whose directory lasts as long as it does. */
  static MediaDriver.Context context(Path directory) {
    SocketLimits limits = SocketLimits.ofThisHost();
    return new MediaDriver.Context()
        .aeronDirectoryName(directory.toString())
        .warnIfDirectoryExists(false)
        .dirDeleteOnStart(true)
        .dirDeleteOnShutdown(true)
        // One thread that soon sleeps: two cores must be left to compute.
        .threadingMode(ThreadingMode.SHARED)
        .sharedIdleStrategy(new BackoffIdleStrategy(50, 20, 1_000, MAX_PARK_NS))
        .socketRcvbufLength(limits.receiveBytes())
        .socketSndbufLength(limits.sendBytes())
        .initialWindowLength(limits.windowBytes())
        .errorHandler(error -> LOG.warn("Aeron media driver: {}", error.toString()));
  }

  private void remove() {
    try {
      DriverDirectories.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }

  Path directory() {
    return directory;
  }

  @Override
  public void close() {
    if (embedded == null) {
      return;
    }
    synchronized (EMBEDDED) {
      if (--users == 0) {
        EMBEDDED.remove(name);
        try {
          embedded.close();
        } finally {
          remove();
        }
      }
    }
  }
}
