package io.tandem.worker.fabric;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Directories of embedded media drivers: {@code tandem-<process>-<start>-attempt-<n>-<m>} under
 * /dev/shm, where files are memory. Those that a killed process left are removed when the next
 * driver starts. The start of the process is in the name because process ids come again, and the
 * PID namespace because containers may share /dev/shm and not see each other's processes.
 */
final class DriverDirectories {
  private static final Logger LOG = LoggerFactory.getLogger(DriverDirectories.class);
  private static final AtomicInteger NEXT = new AtomicInteger();
  private static final Pattern NAME = Pattern.compile("tandem-(\\w+)-(\\d+)-(\\d+)-attempt-.*");

  private DriverDirectories() {}

  /** Where driver directories are made. */
  static Path parent() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** A name that no other driver has; removes what dead processes left. */
  static Path create(int attempt) {
    removeStale(parent());
    ProcessHandle self = ProcessHandle.current();
    return parent()
        .resolve(
            "tandem-"
                + namespace()
                + "-"
                + self.pid()
                + "-"
                + startMillis(self)
                + "-attempt-"
                + attempt
                + "-"
                + NEXT.getAndIncrement());
  }

  private static long startMillis(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String namespace() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString().replaceAll("\\D", "");
    } catch (IOException | UnsupportedOperationException e) {
      LOG.debug("no PID namespace to be seen: {}", e.toString());
      return "0";
    }
  }

  static void removeStale(Path parent) {
    List<Path> entries;
    try (Stream<Path> all = Files.list(parent)) {
      entries = all.toList();
    } catch (IOException e) {
      LOG.warn("cannot look for directories left by dead processes in {}", parent, e);
      return;
    }
    for (Path directory : entries) {
      Matcher name = NAME.matcher(directory.getFileName().toString());
      if (name.matches() && name.group(1).equals(namespace()) && isDead(name)) {
        try {
          delete(directory);
          LOG.info("removed {}, left by a process that is dead", directory);
        } catch (IOException e) {
          LOG.warn("cannot remove {}, left by a process that is dead", directory, e);
        }
      }
    }
  }

  private static boolean isDead(Matcher name) {
    long start = Long.parseLong(name.group(3));
    return ProcessHandle.of(Long.parseLong(name.group(2)))
        .map(process -> startMillis(process) != start)
        .orElse(true);
  }

  static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
