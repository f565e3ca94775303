package io.tandem.protocol.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where thousands of small files may be written. */
public final class Scratch {
  private static final Path MEMORY = Path.of("/dev/shm");

  private Scratch() {}

  /** A new directory, in memory where there is such a place; the caller removes it. */
  public static Path directory() throws IOException {
    return Files.isWritable(MEMORY)
        ? Files.createTempDirectory(MEMORY, "fuzz")
        : Files.createTempDirectory("fuzz");
  }
}
