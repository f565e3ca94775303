package io.tandem.coordinator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CoordinatorMetricsTest {
  @Test
  void shouldCountRecoveriesOnWhenTheManagerStartsAgain() {
    try (CoordinatorMetrics metrics = new CoordinatorMetrics()) {
      List<String> counts =
          List.of(0, 2, 2, 1, 3).stream()
              .map(recovered -> metrics.scrape(0, 0, 0, recovered, Map.of()))
              .flatMap(String::lines)
              .filter(line -> line.startsWith("tandem_recoveries_total "))
              .map(line -> line.substring(line.indexOf(' ') + 1))
              .toList();
      assertThat(counts).containsExactly("0.0", "2.0", "2.0", "3.0", "5.0");
    }
  }
}
