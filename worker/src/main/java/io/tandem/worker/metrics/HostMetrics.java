package io.tandem.worker.metrics;

import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinitions;
import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks from time to time how much room there is for checkpoints and for shared memory, and lets
 * the series of ended jobs go. A file system that does not answer shows NaN and holds nobody up.
 */
public final class HostMetrics implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostMetrics.class);
  private static final Duration EVERY = Duration.ofSeconds(10);

  private final Meters meters;
  private final Map<String, Path> volumes;
  private final Map<String, CompletableFuture<Void>> looks = new LinkedHashMap<>();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "host-metrics"));

  private HostMetrics(Meters meters, Map<String, Path> volumes) {
    this.meters = meters;
    this.volumes = Map.copyOf(volumes);
  }

  /**
   * Starts looking.
   *
   * @param checkpoints the worker's directory; passed over in an object store
   * @param memory where the media driver's files go
   */
  public static HostMetrics start(
      Meters meters, WorkerMetrics worker, Path checkpoints, Path memory) {
    boolean limited = Storage.renames(checkpoints); // an object store has no end
    HostMetrics host =
        new HostMetrics(
            meters,
            limited ? Map.of("checkpoints", checkpoints, "shm", memory) : Map.of("shm", memory));
    host.timer.scheduleWithFixedDelay(
        () -> {
          host.look();
          worker.tidy();
        },
        0,
        EVERY.toMillis(),
        TimeUnit.MILLISECONDS);
    return host;
  }

  private void look() {
    volumes.forEach(
        (name, path) -> {
          CompletableFuture<Void> before = looks.get(name);
          if (before != null && !before.isDone()) {
            show(name, Double.NaN, Double.NaN);
            return;
          }
          CompletableFuture<Void> look = new CompletableFuture<>();
          looks.put(name, look);
          daemon(
                  () -> {
                    measure(name, path);
                    look.complete(null);
                  },
                  "volume-" + name)
              .start();
        });
  }

  private void measure(String name, Path path) {
    try {
      // The directory is made by the first checkpoint; until then its parent's room is its own.
      Path existing = path.toAbsolutePath();
      while (!Files.exists(existing) && existing.getParent() != null) {
        existing = existing.getParent();
      }
      FileStore store = Files.getFileStore(existing);
      show(name, store.getUsableSpace(), store.getTotalSpace());
    } catch (IOException | RuntimeException e) {
      LOG.warn("cannot tell the free space of {}", path, e);
      show(name, Double.NaN, Double.NaN);
    }
  }

  private void show(String name, double free, double size) {
    meters.set(MetricDefinitions.VOLUME_FREE, free, name);
    meters.set(MetricDefinitions.VOLUME_SIZE, size, name);
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
