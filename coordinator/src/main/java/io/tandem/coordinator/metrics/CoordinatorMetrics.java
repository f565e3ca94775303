package io.tandem.coordinator.metrics;

import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinitions;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;

/** Counts of jobs, workers and slots, beside those of the JVM. Thread-safe. */
public final class CoordinatorMetrics implements AutoCloseable {
  private final Meters meters = new Meters();
  private final Set<String> statesShown = new TreeSet<>();
  private final AtomicLong recoveries = new AtomicLong();
  private long lastRecovered;

  public CoordinatorMetrics() {
    meters.watch(MetricDefinitions.RECOVERIES, recoveries::get);
  }

  /** All in Prometheus' text format, after setting the counts to what the cluster shows now. */
  public synchronized String scrape(
      int workers, int slots, int usedSlots, long recovered, Map<String, Integer> jobsByState) {
    meters.set(MetricDefinitions.WORKERS, workers);
    meters.set(MetricDefinitions.SLOTS, slots);
    meters.set(MetricDefinitions.SLOTS_USED, usedSlots);
    // The manager counts from 0 again when it starts again, as after a full disk.
    recoveries.addAndGet(recovered < lastRecovered ? recovered : recovered - lastRecovered);
    lastRecovered = recovered;
    statesShown.addAll(jobsByState.keySet());
    statesShown.add("QUEUED");
    statesShown.forEach(
        state -> meters.set(MetricDefinitions.JOBS, jobsByState.getOrDefault(state, 0), state));
    return meters.scrape();
  }

  /** All but the counts of what the cluster shows, which nobody knows now. */
  public synchronized String scrapeWithoutLeader() {
    return meters.scrape();
  }

  @Override
  public void close() {
    meters.close();
  }
}
