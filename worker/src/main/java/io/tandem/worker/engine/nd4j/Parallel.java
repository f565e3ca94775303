package io.tandem.worker.engine.nd4j;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Runs the parts of a loop on the calling thread and on helpers. One thread starts no helper. */
final class Parallel implements AutoCloseable {
  private final int threads;
  private final ExecutorService helpers;

  Parallel(int threads) {
    this.threads = threads;
    this.helpers =
        threads == 1
            ? null
            : Executors.newFixedThreadPool(
                threads - 1,
                task -> {
                  Thread thread = new Thread(task, "engine-helper");
                  thread.setDaemon(true);
                  return thread;
                });
  }

  /** Runs body(0) to body(parts - 1), each once, and returns when all are done. */
  void run(int parts, IntConsumer body) {
    if (helpers == null || parts == 1) {
      for (int part = 0; part < parts; part++) {
        body.accept(part);
      }
      return;
    }
    AtomicInteger next = new AtomicInteger();
    Runnable worker =
        () -> {
          for (int part = next.getAndIncrement(); part < parts; part = next.getAndIncrement()) {
            body.accept(part);
          }
        };
    List<Future<?>> running = new ArrayList<>();
    for (int i = 1; i < Math.min(threads, parts); i++) {
      running.add(helpers.submit(worker));
    }
    try {
      worker.run();
    } finally {
      // Nobody may touch the operands after this call, so also a failure waits for the helpers.
      for (Future<?> future : running) {
        await(future);
      }
    }
  }

  private static void await(Future<?> future) {
    boolean interrupted = false;
    while (true) {
      try {
        future.get();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        throw new IllegalStateException("a part of a kernel failed", e.getCause());
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    if (helpers != null) {
      helpers.shutdown();
    }
  }
}
