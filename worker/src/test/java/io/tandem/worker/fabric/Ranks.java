package io.tandem.worker.fabric;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Runs one thread a rank, for tests. */
public final class Ranks {
  private Ranks() {}

  /** What one rank does. */
  public interface Body<T> {
    T run(Fabric fabric) throws Exception;
  }

  /** Every rank's result, in order; fails with the first rank's failure, or after a minute. */
  public static <T> List<T> run(List<Fabric> world, Body<T> body) {
    ExecutorService threads = Executors.newFixedThreadPool(world.size());
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (Fabric fabric : world) {
        futures.add(threads.submit(() -> body.run(fabric)));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get(60, TimeUnit.SECONDS));
      }
      return results;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new AssertionError(e.getCause());
    } catch (Exception e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
  }
}
