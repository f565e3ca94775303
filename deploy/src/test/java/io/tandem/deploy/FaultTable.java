package io.tandem.deploy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What failures cost, by their kind, as Markdown. */
final class FaultTable {
  private static final class Row {
    final List<Double> detections = new ArrayList<>();
    final List<Double> recoveries = new ArrayList<>();
    int faults;
    double steps;
    double trained;
    double placed;
  }

  private final Map<String, Row> rows = new LinkedHashMap<>();

  /**
   * What failures of a kind cost, in seconds.
   *
   * @param faults how many
   * @param detections of the attempts that failed
   * @param recoveries of the same, or until another coordinator led
   * @param steps committed from the failure until all had gone on for a while
   * @param trained in those steps
   * @param placed that time itself
   */
  void add(
      String kind,
      int faults,
      List<Double> detections,
      List<Double> recoveries,
      int steps,
      double trained,
      double placed) {
    Row row = rows.computeIfAbsent(kind, k -> new Row());
    row.faults += faults;
    row.detections.addAll(detections);
    row.recoveries.addAll(recoveries);
    row.steps += steps;
    row.trained += trained;
    row.placed += placed;
  }

  @Override
  public String toString() {
    StringBuilder all = new StringBuilder();
    all.append(
        "| failure | n | detection p50, p95, max (s) | recovery p50, p95, max (s) | steps a second | goodput |\n");
    all.append("|---|---|---|---|---|---|\n");
    rows.forEach(
        (kind, row) ->
            all.append(
                "| %s | %d | %s | %s | %s | %s |%n"
                    .formatted(
                        kind,
                        row.faults,
                        percentiles(row.detections),
                        percentiles(row.recoveries),
                        ratio(row.steps, row.placed),
                        ratio(row.trained, row.placed))));
    return all.toString();
  }

  private static String ratio(double of, double placed) {
    return placed == 0 ? "-" : String.format(Locale.ROOT, "%.2f", of / placed);
  }

  private static String percentiles(List<Double> seconds) {
    if (seconds.isEmpty()) {
      return "-";
    }
    List<Double> sorted = seconds.stream().sorted().toList();
    return String.format(
        Locale.ROOT,
        "%.1f, %.1f, %.1f",
        percentile(sorted, 0.5),
        percentile(sorted, 0.95),
        sorted.get(sorted.size() - 1));
  }

  /** The smallest that so many are not above. */
  private static double percentile(List<Double> sorted, double share) {
    return sorted.get((int) Math.ceil(share * sorted.size()) - 1);
  }
}
