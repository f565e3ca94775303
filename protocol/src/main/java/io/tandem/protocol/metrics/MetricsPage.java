package io.tandem.protocol.metrics;

import java.util.List;
import java.util.Locale;

/** The page that documents every metric, {@code METRICS.md}, made of {@link MetricDefinitions}. */
final class MetricsPage {
  private static final String HEAD =
      """
      # Metrics

      Made from `MetricDefinitions` and kept equal by a test; after a change,
      `./mvnw -pl protocol test -Dtest=MetricsPageTest -Dtandem.regenerate=true` rewrites it.

      Coordinator and workers answer `GET /metrics` in Prometheus' text format: the coordinator on its REST port, a worker
      on `--metrics-port`. Beside these there are Micrometer's metrics of the JVM (`jvm_*`, `process_*`, `system_*`).

      - The label of a job is `job_id`: `job` is Prometheus' own label, for what it scrapes.
      - Ranks and peers are numbers in the job's mesh. A worker is named by the first rank it hosts.
      - A worker removes the series of a job a few minutes after its last attempt there has ended, the coordinator as soon
        as the job is no longer placed. Counters of a job on the coordinator are stored, and go on after a restart.
      """;

  private MetricsPage() {}

  static String text() {
    var page = new StringBuilder(HEAD);
    section(page, "Workers", MetricDefinitions.worker());
    section(page, "Coordinator", MetricDefinitions.coordinator());
    section(page, "Coordinator, of every job that is placed", MetricDefinitions.jobs());
    return page.toString();
  }

  private static void section(StringBuilder page, String title, List<MetricDefinition> metrics) {
    page.append("\n## ").append(title).append("\n\n| metric | kind | labels | meaning |\n");
    page.append("|---|---|---|---|\n");
    for (var metric : metrics) {
      var labels = metric.labels().stream().map(label -> "`" + label + "`").toList();
      page.append(
          "| `%s` | %s | %s | %s |\n"
              .formatted(
                  metric.prometheusName(),
                  metric.kind().name().toLowerCase(Locale.ROOT),
                  String.join(", ", labels),
                  metric.help()));
    }
  }
}
