package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** What processes of Tandem have in this host's shared memory. */
final class SharedMemory {
  private SharedMemory() {}

  /** Waits until none is left of these processes. */
  static void awaitNoneOf(Set<Long> pids, Duration atMost) {
    Awaitility.await("that shared memory is released")
        .atMost(atMost)
        .untilAsserted(() -> assertThat(of(pids)).isEmpty());
  }

  private static List<String> of(Set<Long> pids) throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/dev/shm"))) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith("tandem-"))
          .filter(name -> pids.contains(Long.parseLong(name.split("-")[2])))
          .toList();
    }
  }
}
