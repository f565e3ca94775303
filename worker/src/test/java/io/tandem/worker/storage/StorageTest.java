package io.tandem.worker.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StorageTest {
  private static final int AT_ONCE = 3;

  @TempDir Path directory;

  private static Path tree(Path root) throws IOException {
    for (int i = 0; i < 20; i++) {
      Path deeper = Files.createDirectories(root.resolve("d" + i));
      for (int k = 0; k < 5; k++) {
        Files.createFile(deeper.resolve("f" + k));
      }
    }
    return root;
  }

  @Test
  void shouldRemoveLinksAndNotFollowThem() throws IOException {
    Path kept = tree(directory.resolve("kept"));
    Path root = tree(directory.resolve("root"));
    Files.createSymbolicLink(root.resolve("link"), kept);
    Files.createSymbolicLink(root.resolve("nowhere"), directory.resolve("none"));
    Storage.delete(root);
    assertThat(root).doesNotExist();
    assertThat(kept.resolve("d3/f4")).exists();
    Storage.delete(root);
  }

  /** As when two attempts remove the same leftovers: what the other has removed is no error. */
  @Test
  void shouldNotMindWhatOthersRemoveMeanwhile() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE);
    try {
      for (int round = 0; round < 50; round++) {
        Path root = tree(directory.resolve("round" + round));
        CyclicBarrier together = new CyclicBarrier(AT_ONCE);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
          all.add(
              pool.submit(
                  () -> {
                    together.await(30, TimeUnit.SECONDS);
                    Storage.delete(root);
                    return null;
                  }));
        }
        for (Future<?> one : all) {
          one.get(30, TimeUnit.SECONDS);
        }
        assertThat(root).doesNotExist();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void shouldSayWhatCannotBeRemoved() {
    Path process = Path.of("/proc/self/task");
    assumeThat(process).exists();
    assertThatThrownBy(() -> Storage.delete(process)).isInstanceOf(IOException.class);
  }
}
