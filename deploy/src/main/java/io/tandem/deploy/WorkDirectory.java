package io.tandem.deploy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A directory that a command fills and, unless told to keep it, removes at its end. What was there
 * before stays: it must be empty, and is left empty.
 */
final class WorkDirectory implements AutoCloseable {
  private final Path path;
  private final boolean made;
  private boolean kept;

  private WorkDirectory(Path path, boolean made) {
    this.path = path;
    this.made = made;
  }

  /**
   * Opens it.
   *
   * @param option that named it, for messages
   * @param given a path, or empty for a temporary directory
   * @param prefix of the temporary directory's name
   */
  static WorkDirectory open(String option, String given, String prefix) {
    try {
      if (given.isEmpty()) {
        return new WorkDirectory(Files.createTempDirectory(prefix), true);
      }
      Path path = Path.of(given).toAbsolutePath().normalize();
      boolean made = !Files.exists(path);
      Files.createDirectories(path);
      try (Stream<Path> content = Files.list(path)) {
        if (content.findAny().isPresent()) {
          throw new CommandException(
              ExitCode.USAGE,
              "%s %s: is not empty; give an empty or a new directory".formatted(option, given));
        }
      }
      return new WorkDirectory(path, made);
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.USAGE, "%s %s: cannot be used: %s".formatted(option, given, e));
    }
  }

  /** Where it is, absolute. */
  Path path() {
    return path;
  }

  /** Leaves everything where it is. */
  void keep() {
    kept = true;
  }

  @Override
  public void close() throws IOException {
    if (kept) {
      return;
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        if (made || !one.equals(path)) {
          Files.deleteIfExists(one);
        }
      }
    }
  }
}
