package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.Monitoring.Expression;
import io.tandem.deploy.Monitoring.Rule;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.tls.TestAuthority;
import io.tandem.worker.data.PictureGenerator;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rules and dashboards against a real Prometheus that scrapes real processes, promtool, and
 * Grafana's own types. Where Prometheus or npm is absent these say so and are skipped.
 */
class MonitoringIT {
  /** Panels that rightly show nothing while a healthy job runs, and why. */
  private static final Map<String, String> EMPTY =
      Map.of("cluster.json: Notices", "nothing happened that people should read");

  @TempDir Path directory;

  private static boolean isThere(String program) {
    boolean found =
        Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    if (!found) {
      System.out.println("skipped: " + program + " is not installed");
    }
    return found;
  }

  /** Runs a program to its end; all it said when it failed, else empty. */
  private static String complaint(Path where, List<String> command) throws Exception {
    Path out = Files.createTempFile("monitoring", ".out");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(where.toFile())
              .redirectErrorStream(true)
              .redirectOutput(out.toFile())
              .start();
      if (!process.waitFor(240, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
        return command + " does not end";
      }
      return process.exitValue() == 0 ? "" : command + ": " + Files.readString(out);
    } finally {
      Files.delete(out);
    }
  }

  @Test
  void shouldPassPromtool() throws Exception {
    assumeTrue(isThere("promtool"));
    List<String> check = new ArrayList<>(List.of("promtool", "check", "rules"));
    Monitoring.ruleFiles().forEach(file -> check.add(file.toString()));
    assertThat(complaint(Path.of("."), check)).isEmpty();
    List<String> test = new ArrayList<>(List.of("promtool", "test", "rules"));
    Monitoring.ruleTests().forEach(file -> test.add(file.toString()));
    assertThat(complaint(Path.of("."), test)).isEmpty();
  }

  @Test
  void shouldBeDashboardsToGrafana() throws Exception {
    assumeTrue(isThere("npm"));
    try (Stream<Path> sources = Files.list(Path.of("src/test/dashboards"))) {
      for (Path source : sources.filter(Files::isRegularFile).toList()) {
        Files.copy(source, directory.resolve(source.getFileName()));
      }
    }
    for (Path dashboard : Monitoring.dashboards()) {
      String name = dashboard.getFileName().toString().replace(".json", ".ts");
      Files.writeString(
          directory.resolve(name),
          "import type { PlainDashboard } from './plain';\nexport const d = %s satisfies PlainDashboard;\n"
              .formatted(Files.readString(dashboard).strip()));
    }
    String install =
        complaint(
            directory,
            List.of(
                "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"));
    assumeTrue(install.isEmpty(), "skipped: " + install);
    List<String> compiler = List.of("npx", "--no-install", "tsc", "-p", ".");
    assertThat(complaint(directory, compiler)).isEmpty();
    Path cluster = directory.resolve("cluster.ts");
    String broken = Files.readString(cluster).replaceFirst("\"percentunit\"", "7");
    Files.writeString(cluster, broken);
    assertThat(complaint(directory, compiler)).as("a mistake is found").contains("cluster.ts");
  }

  @Test
  void shouldReturnDataForEveryExpressionWhileAJobRuns() throws Exception {
    assumeTrue(isThere("prometheus"));
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    ours.sign("any", "tandem"); // with which there is a certificate to watch
    try (TestCluster cluster = new TestCluster(directory)) {
      cluster.startCoordinator(ours.controlPlane("any"));
      List<TandemProcess> workers =
          List.of(
              cluster.worker(1, ours.controlPlane("any")),
              cluster.worker(1, ours.controlPlane("any")));
      workers.forEach(TestCluster::registered);
      List<String> targets = new ArrayList<>(List.of(cluster.server().replace("http://", "")));
      workers.forEach(w -> targets.add(w.await("metrics http://(\\S+)/metrics").group(1)));
      try (PrometheusProcess prometheus = PrometheusProcess.start(directory, targets)) {
        cluster.awaitState(cluster.submit(TestCluster.job(pictures, 1, 2, 2)), "SUCCEEDED");
        String job = TestCluster.job(pictures, 1, 2, 10_000_000) + "evaluation: {every: 10}\n";
        String id = cluster.submit(job);
        cluster.awaitCheckpoint(id, 5);
        awaitData(prometheus, id);
        checkAlerts(prometheus);
        cluster.client().act(id, "cancel");
        cluster.awaitState(id, "CANCELLED");
        assertThat(cluster.client().metrics()).as("series of an ended job").doesNotContain(id);
      }
    }
  }

  /** All at a time, until each has shown something once. */
  private static void awaitData(PrometheusProcess prometheus, String id) throws Exception {
    List<Expression> waiting = new ArrayList<>(expressions(id));
    try {
      Awaitility.await()
          .atMost(Duration.ofSeconds(90))
          .pollInterval(Duration.ofSeconds(1))
          .until(
              () -> {
                for (Expression expression : List.copyOf(waiting)) {
                  if (PrometheusProcess.hasData(parsed(prometheus, expression))) {
                    waiting.remove(expression);
                  }
                }
                return waiting.isEmpty();
              });
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "no data for " + waiting + "; Prometheus said " + prometheus.log(), e);
    }
  }

  private static JsonNode parsed(PrometheusProcess prometheus, Expression expression)
      throws Exception {
    JsonNode answer = prometheus.query(expression.text());
    assertThat(answer.path("status").asText()).as(expression + ": " + answer).isEqualTo("success");
    return answer;
  }

  /** What must show something while a job runs. */
  private static List<Expression> expressions(String id) throws Exception {
    List<Expression> all = new ArrayList<>();
    for (Expression panel : Monitoring.panels()) {
      if (!EMPTY.containsKey(panel.where())) {
        String text = panel.text();
        text = text.replace("$job_id", id).replace("$__rate_interval", "15s");
        text = text.replace("$tandem", PrometheusProcess.RELEASE);
        assertThat(text).as(panel.where()).doesNotContain("$");
        all.add(new Expression(panel.where(), text));
      }
    }
    for (Rule rule : Monitoring.rules()) {
      String where = rule.expression().where();
      String text = rule.expression().text();
      if (rule.alert().isEmpty()) {
        all.add(rule.expression());
        all.add(new Expression(where + ", recorded", rule.record()));
      } else {
        // An alert is rightly silent on a healthy cluster; what it looks at is there.
        all.add(new Expression(where + ", left side", Monitoring.leftSide(text)));
        for (String selector : Monitoring.selectors(text)) {
          all.add(new Expression(where + ", selector", selector));
        }
      }
    }
    return all;
  }

  /** Whole alerts, and the panels that may be empty, must parse. */
  private static void checkAlerts(PrometheusProcess prometheus) throws Exception {
    for (Rule rule : Monitoring.rules()) {
      parsed(prometheus, rule.expression());
    }
    for (Expression panel : Monitoring.panels()) {
      if (EMPTY.containsKey(panel.where())) {
        parsed(prometheus, panel);
      }
    }
  }
}
