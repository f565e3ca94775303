package io.tandem.protocol.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tandem.protocol.metrics.MetricDefinition.Kind;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;

/** A process's metrics, those of the JVM among them, in Prometheus' text format. Thread-safe. */
public final class Meters implements AutoCloseable {
  /** What {@link #scrape} returns. */
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics collections = new JvmGcMetrics();
  private final Map<Series, AtomicLong> gauges = new ConcurrentHashMap<>();
  private final Map<Series, DoubleSupplier> watched = new ConcurrentHashMap<>();
  private final Map<Series, Counter> counters = new ConcurrentHashMap<>();

  /** The registry refers to these weakly. */
  private final Map<Series, AtomicLong> totals = new ConcurrentHashMap<>();

  private record Series(MetricDefinition definition, List<String> values) {
    boolean bears(String label, String value) {
      int index = definition.labels().indexOf(label);
      return index >= 0 && values.get(index).equals(value);
    }
  }

  public Meters() {
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ClassLoaderMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    collections.bindTo(registry);
  }

  /** Lets a counter grow by an amount that is not negative. */
  public void add(MetricDefinition definition, double amount, String... labelValues) {
    require(definition, Kind.COUNTER);
    counters
        .computeIfAbsent(
            new Series(definition, List.of(labelValues)),
            series ->
                Counter.builder(definition.name())
                    .description(definition.help())
                    .baseUnit(unit(definition))
                    .tags(tags(definition, labelValues))
                    .register(registry))
        .increment(amount);
  }

  /** Sets a gauge. */
  public void set(MetricDefinition definition, double value, String... labelValues) {
    require(definition, Kind.GAUGE);
    gauges
        .computeIfAbsent(
            new Series(definition, List.of(labelValues)),
            series -> {
              var bits = new AtomicLong();
              Gauge.builder(definition.name(), () -> Double.longBitsToDouble(bits.get()))
                  .description(definition.help())
                  .baseUnit(unit(definition))
                  .tags(tags(definition, labelValues))
                  .register(registry);
              return bits;
            })
        .set(Double.doubleToRawLongBits(value));
  }

  /** Asks for a gauge whenever all are shown, in place of whom it was asked for before. */
  public void watch(MetricDefinition definition, DoubleSupplier value, String... labelValues) {
    require(definition, Kind.GAUGE);
    Series series = new Series(definition, List.of(labelValues));
    if (watched.put(series, value) == null) {
      Gauge.builder(definition.name(), () -> watched.get(series).getAsDouble())
          .description(definition.help())
          .baseUnit(unit(definition))
          .tags(tags(definition, labelValues))
          .register(registry);
    }
  }

  /** Sets a counter that is kept elsewhere to what it has come to. */
  public void total(MetricDefinition definition, double total, String... labelValues) {
    require(definition, Kind.COUNTER);
    totals
        .computeIfAbsent(
            new Series(definition, List.of(labelValues)),
            series -> {
              var bits = new AtomicLong();
              FunctionCounter.builder(
                      definition.name(), bits, held -> Double.longBitsToDouble(held.get()))
                  .description(definition.help())
                  .baseUnit(unit(definition))
                  .tags(tags(definition, labelValues))
                  .register(registry);
              return bits;
            })
        .set(Double.doubleToRawLongBits(total));
  }

  /** Removes every series that bears this label value, so that ended jobs do not pile up. */
  public void forget(String label, String value) {
    gauges.keySet().removeIf(series -> series.bears(label, value));
    watched.keySet().removeIf(series -> series.bears(label, value));
    counters.keySet().removeIf(series -> series.bears(label, value));
    totals.keySet().removeIf(series -> series.bears(label, value));
    for (var meter : registry.getMeters()) {
      if (value.equals(meter.getId().getTag(label))) {
        registry.remove(meter);
      }
    }
  }

  /** Everything, in Prometheus' text format. */
  public String scrape() {
    return registry.scrape();
  }

  @Override
  public void close() {
    collections.close();
    registry.close();
  }

  private static void require(MetricDefinition definition, Kind kind) {
    if (definition.kind() != kind) {
      throw new IllegalArgumentException(definition.name() + " is a " + definition.kind());
    }
  }

  private static String unit(MetricDefinition definition) {
    return definition.unit().isEmpty() ? null : definition.unit();
  }

  private static Tags tags(MetricDefinition definition, String... labelValues) {
    if (labelValues.length != definition.labels().size()) {
      throw new IllegalArgumentException(
          "%s has the labels %s, given %s"
              .formatted(definition.name(), definition.labels(), List.of(labelValues)));
    }
    var tags = Tags.empty();
    for (int i = 0; i < labelValues.length; i++) {
      tags = tags.and(definition.labels().get(i), labelValues[i]);
    }
    return tags;
  }
}
