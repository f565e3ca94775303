package io.tandem.protocol.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.metrics.MetricDefinition.Kind;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class MetersTest {
  @Test
  void shouldListEveryDefinitionOnceUnderItsOwnName() {
    var constants =
        Arrays.stream(MetricDefinitions.class.getFields())
            .filter(field -> field.getType() == MetricDefinition.class)
            .count();
    assertThat(MetricDefinitions.all()).hasSize((int) constants).doesNotHaveDuplicates();
    assertThat(MetricDefinitions.all())
        .extracting(MetricDefinition::prometheusName)
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("tandem_[a-z_]+"));
  }

  @Test
  void shouldShowEveryMetricAsItIsDefined() {
    try (var meters = new Meters()) {
      for (var definition : MetricDefinitions.all()) {
        var values = definition.labels().stream().map(label -> label + "-1").toArray(String[]::new);
        if (definition.kind() == Kind.COUNTER) {
          meters.add(definition, 1, values);
          meters.add(definition, 1.5, values);
        } else {
          meters.set(definition, 1, values);
          meters.set(definition, 2.5, values);
        }
      }
      var lines = meters.scrape().lines().toList();
      for (var definition : MetricDefinitions.all()) {
        assertThat(lines)
            .anyMatch(
                line ->
                    line.equals("# HELP " + definition.prometheusName() + " " + definition.help()))
            .anyMatch(
                line ->
                    line.startsWith(definition.prometheusName() + "{")
                            == !definition.labels().isEmpty()
                        && line.startsWith(definition.prometheusName())
                        && line.endsWith(" 2.5"));
      }
      assertThat(lines).anyMatch(line -> line.startsWith("jvm_memory_used_bytes"));
    }
  }

  @Test
  void shouldForgetTheSeriesOfALabelValue() {
    try (var meters = new Meters()) {
      meters.set(MetricDefinitions.LOSS, 1, "old", "student");
      meters.set(MetricDefinitions.LOSS, 2, "new", "student");
      meters.add(MetricDefinitions.STEPS, 3, "old");
      meters.forget("job_id", "old");
      assertThat(meters.scrape()).doesNotContain("\"old\"").contains("job_id=\"new\"");
      meters.set(MetricDefinitions.LOSS, 5, "old", "student");
      assertThat(meters.scrape()).contains("job_id=\"old\",loss=\"student\"} 5.0");
    }
  }

  @Test
  void shouldShowTotalsThatAreKeptElsewhere() {
    try (var meters = new Meters()) {
      meters.total(MetricDefinitions.JOB_FAILURES, 4, "job-1");
      System.gc(); // what the registry alone refers to would be gone
      assertThat(meters.scrape()).contains("tandem_job_failures_total{job_id=\"job-1\"} 4.0");
      meters.total(MetricDefinitions.JOB_FAILURES, 9, "job-1");
      assertThat(meters.scrape()).contains("tandem_job_failures_total{job_id=\"job-1\"} 9.0");
      meters.forget(MetricDefinitions.JOB_LABEL, "job-1");
      assertThat(meters.scrape()).doesNotContain("job-1");
    }
  }

  @Test
  void shouldAskForWatchedGaugesEachTimeTheyAreShown() {
    try (var meters = new Meters()) {
      var value = new AtomicLong(4);
      var series = "tandem_certificate_expiry_timestamp_seconds{use=\"rest\"} ";
      meters.watch(MetricDefinitions.CERTIFICATE_EXPIRY, value::get, "rest");
      assertThat(meters.scrape()).contains(series + "4.0");
      value.set(5);
      assertThat(meters.scrape()).contains(series + "5.0");
      meters.watch(MetricDefinitions.CERTIFICATE_EXPIRY, () -> 6, "rest");
      assertThat(meters.scrape()).contains(series + "6.0");
      meters.forget("use", "rest");
      assertThat(meters.scrape()).doesNotContain(series);
      meters.watch(MetricDefinitions.CERTIFICATE_EXPIRY, () -> 7, "rest");
      assertThat(meters.scrape()).contains(series + "7.0");
      assertThatThrownBy(() -> meters.watch(MetricDefinitions.STEPS, () -> 1, "job"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldRefuseWrongLabelsAndKinds() {
    try (var meters = new Meters()) {
      assertThatThrownBy(() -> meters.set(MetricDefinitions.LOSS, 1, "job"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[job_id, loss]");
      assertThatThrownBy(() -> meters.add(MetricDefinitions.LOSS, 1, "job_id", "x"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
