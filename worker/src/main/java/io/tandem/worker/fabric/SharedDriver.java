package io.tandem.worker.fabric;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.exceptions.ActiveDriverException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * A media driver for the workers of this host, each in a process of its own: those that are given
 * its directory reach each other over IPC. Its directory goes when it is closed; that of one that
 * was killed is taken over by the next of the same name, and where it bears a name of ours, removed
 * by the next driver of any name.
 */
public final class SharedDriver implements AutoCloseable {
  private final MediaDriver driver;

  private SharedDriver(MediaDriver driver) {
    this.driver = driver;
  }

  /**
   * Starts it.
   *
   * @param directory best under /dev/shm; null takes a new one there
   * @throws IllegalStateException where another driver uses the directory
   */
  public static SharedDriver launch(Path directory) {
    Path home = directory == null ? DriverDirectories.create(0) : directory.toAbsolutePath();
    try {
      return new SharedDriver(MediaDriver.launch(Driver.context(home)));
    } catch (ActiveDriverException e) {
      throw new IllegalStateException(
          "a media driver is already at work in " + home + ": end it, or choose another directory",
          e);
    }
  }

  /** What its workers must be given. */
  public Path directory() {
    return Path.of(driver.aeronDirectoryName());
  }

  @Override
  public void close() {
    driver.close();
    try {
      DriverDirectories.delete(directory());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory(), e);
    }
  }
}
