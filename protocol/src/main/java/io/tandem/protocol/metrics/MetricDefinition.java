package io.tandem.protocol.metrics;

import java.util.List;

/**
 * What a metric is called and means.
 *
 * @param name words joined by dots, without unit
 * @param kind whether it only grows
 * @param unit a base unit such as {@code seconds} or {@code bytes}; empty for a count or a ratio
 * @param labels names of its labels, in the order in which values are given
 * @param help one sentence for people
 */
public record MetricDefinition(
    String name, Kind kind, String unit, List<String> labels, String help) {
  /** Counters only grow; gauges show the present. */
  public enum Kind {
    COUNTER,
    GAUGE
  }

  public MetricDefinition {
    labels = List.copyOf(labels);
  }

  /** As Prometheus shows it: {@code tandem_step_phase_seconds_total}. */
  public String prometheusName() {
    var base = unit.isEmpty() || name.endsWith("." + unit) ? name : name + "." + unit;
    return (kind == Kind.COUNTER ? base + ".total" : base).replace('.', '_');
  }
}
