package io.tandem.protocol.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** With {@code -Dtandem.regenerate=true} the page is written instead. */
class MetricsPageTest {
  private static final Path PAGE = Path.of("METRICS.md");

  @Test
  void shouldMatchThePage() throws IOException {
    if (Boolean.getBoolean("tandem.regenerate")) {
      Files.writeString(PAGE, MetricsPage.text());
    }
    assertThat(Files.readString(PAGE)).isEqualTo(MetricsPage.text());
  }

  @Test
  void shouldBoundEveryLabelByJobsRanksAndWordsOfTheProgram() {
    assertThat(MetricDefinitions.all())
        .flatExtracting(MetricDefinition::labels)
        .isSubsetOf(
            "job_id",
            "rank",
            "peer",
            "loss",
            "accuracy",
            "feedback",
            "name",
            "phase",
            "outcome",
            "code",
            "volume",
            "use",
            "collective",
            "transport",
            "reason",
            "state");
  }
}
