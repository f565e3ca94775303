package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.Monitoring.Expression;
import io.tandem.deploy.Monitoring.Rule;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinitions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What can be said of rules and dashboards without a Prometheus. */
class MonitoringTest {
  @Test
  void shouldNameOnlyMetricsThatThereAre() throws Exception {
    Set<String> known =
        MetricDefinitions.all().stream()
            .map(MetricDefinition::prometheusName)
            .collect(Collectors.toCollection(HashSet::new));
    Monitoring.rules().forEach(rule -> known.add(rule.record()));
    List<Expression> all =
        Stream.concat(
                Monitoring.panels().stream(), Monitoring.rules().stream().map(Rule::expression))
            .toList();
    assertThat(all).hasSizeGreaterThan(80);
    for (Expression expression : all) {
      assertThat(known).as(expression.where()).containsAll(Monitoring.metrics(expression.text()));
    }
  }

  /** By a panel or an alert, or by what is recorded of it. */
  @Test
  void shouldShowEveryMetricThatThereIs() throws Exception {
    Set<String> shown = new HashSet<>();
    Monitoring.panels().forEach(panel -> shown.addAll(Monitoring.metrics(panel.text())));
    Monitoring.rules().forEach(rule -> shown.addAll(Monitoring.metrics(rule.expression().text())));
    // What they say is shown by tandem_job_step, and by the phases.
    shown.addAll(List.of("tandem_step", "tandem_step_duration_seconds_total"));
    assertThat(shown)
        .containsAll(
            MetricDefinitions.all().stream().map(MetricDefinition::prometheusName).toList());
  }

  @Test
  void shouldHaveARunbookAndAUnitTestForEveryAlert() throws Exception {
    String runbooks = Files.readString(Monitoring.HELM.resolve("RUNBOOKS.md"));
    StringBuilder tests = new StringBuilder();
    for (Path file : Monitoring.ruleTests()) {
      tests.append(Files.readString(file));
    }
    List<Rule> alerts = Monitoring.rules().stream().filter(r -> !r.alert().isEmpty()).toList();
    assertThat(alerts).hasSizeGreaterThanOrEqualTo(14);
    for (Rule alert : alerts) {
      String name = alert.alert();
      assertThat(alert.annotations().path("runbook").asText())
          .isEqualTo("RUNBOOKS.md#" + name.toLowerCase(Locale.ROOT));
      assertThat(alert.annotations().path("summary").asText()).as(name).isNotBlank();
      assertThat(alert.annotations().path("description").asText()).as(name).isNotBlank();
      assertThat(runbooks).containsPattern("(?m)^## " + name + "\\n\\n\\S");
      assertThat(tests.toString())
          .as("a test in which %s fires", name)
          .containsPattern("alertname: " + name + "\\s+exp_alerts:\\s+- ")
          .as("a test in which %s does not fire", name)
          .containsPattern("alertname: " + name + "\\s+exp_alerts: \\[]");
    }
    long headings = runbooks.lines().filter(line -> line.startsWith("## ")).count();
    assertThat(headings).as("runbooks of alerts that there are").isEqualTo(alerts.size());
  }

  @Test
  void shouldTestEverySeriesThatIsRecorded() throws Exception {
    String tests = Files.readString(Monitoring.HELM.resolve("rules/tests/recording.yaml"));
    String all =
        Stream.concat(
                Monitoring.panels().stream(), Monitoring.rules().stream().map(Rule::expression))
            .map(Expression::text)
            .collect(Collectors.joining("\n"));
    for (Rule rule : Monitoring.rules()) {
      if (!rule.record().isEmpty() && !rule.record().equals("job:tandem_goodput:max")) {
        assertThat(tests).contains("expr: '" + rule.record());
      }
    }
    assertThat(all).contains("job:tandem_goodput:max"); // tested by what is made of it
  }

  @Test
  void shouldFindWhatAnAlertCompares() {
    assertThat(Monitoring.leftSide("max(a{b=\"c\"}) > 5")).isEqualTo("max(a{b=\"c\"})");
    assertThat(Monitoring.leftSide("time() - max by (j) (a) > 5"))
        .isEqualTo("time() - max by (j) (a)");
    assertThat(Monitoring.leftSide("absent(a == 1)")).isEqualTo("a");
    assertThat(Monitoring.leftSide("(a or b{c!=\"\"}) unless on (c) (a == 1) or absent(a)"))
        .isEqualTo("(a or b{c!=\"\"})");
    assertThat(Monitoring.leftSide("a == 0 and b > 0")).isEqualTo("a");
    assertThat(Monitoring.selectors("rate(tandem_a_total{x=\"y\"}[5m]) / job:tandem_b:avg5m"))
        .containsExactly("tandem_a_total{x=\"y\"}", "job:tandem_b:avg5m");
  }

  @Test
  void shouldLayPanelsOutWithoutOverlapOnTheVariableDataSource() throws Exception {
    List<Path> dashboards = Monitoring.dashboards();
    assertThat(dashboards)
        .extracting(file -> file.getFileName().toString())
        .containsExactly("cluster.json", "communication.json", "job.json");
    for (Path file : dashboards) {
      Set<Integer> ids = new HashSet<>();
      Set<String> cells = new HashSet<>();
      for (JsonNode panel : new ObjectMapper().readTree(file.toFile()).path("panels")) {
        String title = file.getFileName() + ": " + panel.path("title").asText();
        assertThat(ids.add(panel.path("id").asInt())).as(title).isTrue();
        JsonNode at = panel.path("gridPos");
        for (int x = 0; x < at.path("w").asInt(); x++) {
          for (int y = 0; y < at.path("h").asInt(); y++) {
            int column = at.path("x").asInt() + x;
            assertThat(column).as(title).isLessThan(24);
            assertThat(cells.add(column + "," + (at.path("y").asInt() + y))).as(title).isTrue();
          }
        }
        for (JsonNode target : panel.path("targets")) {
          assertThat(target.at("/datasource/uid").asText()).as(title).isEqualTo("${datasource}");
        }
      }
    }
  }
}
