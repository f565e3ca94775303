package io.tandem.deploy;

import io.tandem.worker.node.SimulatedWorkers;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Which job was told to a worker when. Thread-safe. */
final class Placing implements SimulatedWorkers.Listener {
  private final Map<String, CompletableFuture<Long>> told = new ConcurrentHashMap<>();
  private final Map<String, Boolean> workers = new ConcurrentHashMap<>();
  private final Latencies refills = new Latencies();

  @Override
  public void told(String workerId, String jobId, long freeNanos, long toldNanos) {
    told(jobId).complete(toldNanos);
    if (workers.put(workerId, true) != null) {
      refills.add(toldNanos - freeNanos);
    }
  }

  /** When a worker was told to begin that job, by {@link System#nanoTime}. */
  CompletableFuture<Long> told(String jobId) {
    return told.computeIfAbsent(jobId, id -> new CompletableFuture<>());
  }

  /** Workers that were told a job so far. */
  int workers() {
    return workers.size();
  }

  /** From the end of a worker's job until it was told the next one. */
  Latencies refills() {
    return refills;
  }
}
