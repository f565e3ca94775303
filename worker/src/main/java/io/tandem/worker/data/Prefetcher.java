package io.tandem.worker.data;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;

/**
 * Computes the values of the next steps on its own threads while the caller works on this one. At
 * most {@code ahead + 1} values exist. {@link #get} is for one thread; {@link #close} for any.
 */
final class Prefetcher<T> implements AutoCloseable {
  private final LongFunction<T> work;
  private final int ahead;
  private final Duration deadline;
  private final ThreadPoolExecutor threads;
  private final Map<Long, Future<T>> pending = new HashMap<>();

  /**
   * @param ahead how many steps beyond the asked one are under way, and how many threads there are
   * @param deadline longest wait for one value
   */
  Prefetcher(String name, int ahead, Duration deadline, LongFunction<T> work) {
    this.work = work;
    this.ahead = ahead;
    this.deadline = deadline;
    this.threads =
        new ThreadPoolExecutor(
            ahead,
            ahead,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * The value of a step; steps are usually asked for in rising order, any other order costs time
   * only. What the work threw is thrown here.
   *
   * @throws CancellationException when closed meanwhile
   */
  T get(long step) {
    pending
        .entrySet()
        .removeIf(
            entry -> {
              boolean stale = entry.getKey() < step || entry.getKey() > step + ahead;
              if (stale) {
                entry.getValue().cancel(false);
              }
              return stale;
            });
    try {
      for (long next = step; next <= step + ahead; next++) {
        pending.computeIfAbsent(next, s -> threads.submit(() -> work.apply(s)));
      }
      return pending.remove(step).get(deadline.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException("loading step " + step, e.getCause());
    } catch (TimeoutException e) {
      throw new DataException(
          "the images of step "
              + step
              + " were not read within "
              + deadline.toSeconds()
              + " s; is the storage under data.path reachable?",
          e);
    } catch (RejectedExecutionException e) {
      throw new CancellationException("closed before step " + step + " was read");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for step " + step);
    }
  }

  /** Ends the threads; waits until none is at work, so that no native memory is in use. */
  @Override
  public void close() {
    // No interrupt: it would break a file's reading, and a good image would look broken.
    threads.shutdown();
    List<Runnable> waiting = new ArrayList<>();
    threads.getQueue().drainTo(waiting);
    waiting.forEach(task -> ((Future<?>) task).cancel(false));
    try {
      if (!threads.awaitTermination(deadline.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IllegalStateException("loading threads are still at work");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
