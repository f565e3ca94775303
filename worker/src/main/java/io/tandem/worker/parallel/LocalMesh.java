package io.tandem.worker.parallel;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * All ranks of a mesh in this process, a thread and an engine each: for proofs and measurements.
 */
public final class LocalMesh {
  /** How long a rank waits for another. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private LocalMesh() {}

  /** What each rank does; {@code context.world().index()} says which it is. */
  @FunctionalInterface
  public interface Work<T> {
    T run(ShardContext context);
  }

  /**
   * Runs the work on every rank.
   *
   * @param engine makes a rank's engine, on the rank's thread; closed afterwards
   * @param deadline for all of it
   * @return every rank's result, in the order of ranks
   * @throws RuntimeException that failure of a rank which came first; the other ranks are ended
   */
  public static <T> List<T> run(
      Mesh mesh, Supplier<? extends Engine> engine, Duration deadline, Work<T> work) {
    List<Fabric> fabrics = InProcessFabric.world(mesh.size(), PATIENCE);
    ExecutorService pool = Executors.newFixedThreadPool(mesh.size());
    AtomicReference<Throwable> first = new AtomicReference<>();
    long end = System.nanoTime() + deadline.toNanos();
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (int i = 0; i < mesh.size(); i++) {
        int index = i;
        futures.add(pool.submit(() -> rank(mesh, index, fabrics.get(index), engine, first, work)));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get(end - System.nanoTime(), TimeUnit.NANOSECONDS));
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      // Not the future's own: a rank that waits for the failed one fails after it.
      if (first.get() instanceof RuntimeException cause) {
        throw cause;
      } else if (first.get() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException("the ranks did not finish in " + deadline, e);
    } finally {
      fabrics.forEach(Fabric::close);
      pool.shutdownNow();
    }
  }

  private static <T> T rank(
      Mesh mesh,
      int index,
      Fabric fabric,
      Supplier<? extends Engine> engine,
      AtomicReference<Throwable> first,
      Work<T> work) {
    try (Engine own = engine.get()) {
      return work.run(ShardContext.of(own, fabric, mesh, index));
    } catch (RuntimeException | Error e) {
      first.compareAndSet(null, e);
      fabric.abort("rank " + index + ": " + e.getMessage());
      throw e;
    }
  }
}
