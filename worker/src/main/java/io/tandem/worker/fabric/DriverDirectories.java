package io.tandem.worker.fabric;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Directories of media drivers: {@code tandem-<process>-<pid>-attempt-<n>-<m>} under /dev/shm,
 * where files are memory, each with a file {@code <name>.lock} beside it that its process keeps
 * locked. Those that a killed process left, whose lock the system has given up, are removed when
 * the next driver starts. Locks rather than process ids tell the dead from the living, because
 * containers may share /dev/shm, one after the other too, and not see each other's processes.
 */
final class DriverDirectories {
  /** Tells this process from all others, also from those of other containers. */
  static final String PROCESS = UUID.randomUUID().toString();

  private static final Logger LOG = LoggerFactory.getLogger(DriverDirectories.class);
  private static final AtomicInteger NEXT = new AtomicInteger();
  private static final String LOCK = ".lock";

  /** The locks that this process holds. To open such a file again and close it would lose it. */
  private static final Map<Path, FileChannel> HELD = new ConcurrentHashMap<>();

  private DriverDirectories() {}

  /** Where driver directories are made. */
  static Path parent() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** A name that no other driver has, locked; removes what dead processes left. */
  static Path create(int attempt) {
    removeStale(parent());
    while (true) {
      String name =
          String.format(
              "tandem-%s-%d-attempt-%d-%d",
              PROCESS.substring(0, 8),
              ProcessHandle.current().pid(),
              attempt,
              NEXT.getAndIncrement());
      Path directory = parent().resolve(name);
      try {
        if (lock(lockOf(directory))) {
          return directory;
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot lock " + lockOf(directory), e);
      }
    }
  }

  private static Path lockOf(Path directory) {
    return directory.resolveSibling(directory.getFileName() + LOCK);
  }

  /** Makes and locks a file; false where another process took it for a dead one's meanwhile. */
  private static boolean lock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    HELD.put(file, channel);
    if (channel.tryLock() != null && Files.exists(file)) {
      return true;
    }
    HELD.remove(file);
    channel.close();
    return false;
  }

  static void removeStale(Path parent) {
    List<Path> locks;
    try (Stream<Path> all = Files.list(parent)) {
      locks =
          all.filter(path -> path.getFileName().toString().matches("tandem-.*\\.lock")).toList();
    } catch (IOException e) {
      LOG.warn("cannot look for directories left by dead processes in {}", parent, e);
      return;
    }
    for (Path lock : locks) {
      if (!HELD.containsKey(lock)) {
        try {
          removeWhereDead(lock);
        } catch (IOException e) {
          LOG.warn("cannot remove what {} guards, left by a process that is dead", lock, e);
        }
      }
    }
  }

  private static void removeWhereDead(Path lock) throws IOException {
    String name = lock.getFileName().toString();
    Path directory = lock.resolveSibling(name.substring(0, name.length() - LOCK.length()));
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) {
        Storage.delete(directory);
        Files.deleteIfExists(lock);
        LOG.info("removed {}, left by a process that is dead", directory);
      }
    } catch (NoSuchFileException e) {
      LOG.debug("{} has gone meanwhile", lock);
    }
  }

  /** Removes a directory and what guards it. */
  static void delete(Path directory) throws IOException {
    Storage.delete(directory);
    Path lock = lockOf(directory);
    FileChannel held = HELD.remove(lock);
    if (held != null) {
      Files.deleteIfExists(lock);
      held.close();
    }
  }
}
