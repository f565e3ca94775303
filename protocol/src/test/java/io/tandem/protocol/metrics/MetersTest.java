package io.tandem.protocol.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.metrics.MetricDefinition.Kind;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MetersTest {
  @Test
  void shouldListEveryDefinitionOnceUnderItsOwnName() {
    var constants =
        Arrays.stream(MetricDefinitions.class.getFields())
            .filter(field -> Modifier.isStatic(field.getModifiers()))
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
      meters.forget("job", "old");
      assertThat(meters.scrape()).doesNotContain("\"old\"").contains("job=\"new\"");
      meters.set(MetricDefinitions.LOSS, 5, "old", "student");
      assertThat(meters.scrape()).contains("job=\"old\",loss=\"student\"} 5.0");
    }
  }

  @Test
  void shouldReadWatchedCountersAtEveryScrape() {
    try (var meters = new Meters()) {
      var count = new long[] {4};
      meters.watch(MetricDefinitions.RETRANSMITS, () -> count[0], "udp");
      assertThat(meters.scrape()).contains("tandem_retransmits_total{transport=\"udp\"} 4.0");
      count[0] = 9;
      System.gc(); // what the registry alone refers to would be gone
      assertThat(meters.scrape()).contains("tandem_retransmits_total{transport=\"udp\"} 9.0");
    }
  }

  @Test
  void shouldRefuseWrongLabelsAndKinds() {
    try (var meters = new Meters()) {
      assertThatThrownBy(() -> meters.set(MetricDefinitions.LOSS, 1, "job"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[job, loss]");
      assertThatThrownBy(() -> meters.add(MetricDefinitions.LOSS, 1, "job", "x"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
