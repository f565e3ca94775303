package io.tandem.coordinator.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Counts of jobs, workers and slots, beside those of the JVM. Thread-safe. */
public final class CoordinatorMetrics {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, AtomicLong> jobs = new ConcurrentHashMap<>();
  private final AtomicLong workers = gauge("tandem.workers", "Workers that are registered");
  private final AtomicLong slots = gauge("tandem.slots", "Slots of all registered workers");
  private final AtomicLong usedSlots = gauge("tandem.slots.used", "Slots that host a rank");

  /** With the JVM's own. */
  public CoordinatorMetrics() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ClassLoaderMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
  }

  private AtomicLong gauge(String name, String help) {
    AtomicLong value = new AtomicLong();
    Gauge.builder(name, value, AtomicLong::doubleValue).description(help).register(registry);
    return value;
  }

  /** Sets the counts to what the cluster shows now. */
  public void show(int workerCount, int slotCount, int used, Map<String, Integer> jobsByState) {
    workers.set(workerCount);
    slots.set(slotCount);
    usedSlots.set(used);
    jobsByState.keySet().forEach(this::jobs);
    jobs.forEach((state, value) -> value.set(jobsByState.getOrDefault(state, 0)));
  }

  private AtomicLong jobs(String state) {
    return jobs.computeIfAbsent(
        state,
        name -> {
          AtomicLong value = new AtomicLong();
          Gauge.builder("tandem.jobs", value, AtomicLong::doubleValue)
              .description("Jobs that have not ended, by state")
              .tag("state", name)
              .register(registry);
          return value;
        });
  }

  /** All of them in Prometheus' text format. */
  public String scrape() {
    return registry.scrape();
  }
}
