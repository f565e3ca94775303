package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/** Load on a coordinator: nothing of it is lost. How long it takes is not looked at. */
class BenchControlIT {
  private static final int PROBES = 20;

  @TempDir Path directory;

  private void assertNothingLost(
      Map<String, String> environment, int jobs, int workers, int readers, String... more)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("bench", "control", "--json"));
    command.addAll(List.of("--jobs", String.valueOf(jobs), "--workers", String.valueOf(workers)));
    command.addAll(List.of("--readers", String.valueOf(readers)));
    command.addAll(List.of("--probes", String.valueOf(PROBES)));
    command.addAll(List.of(more));
    try (TandemProcess bench = start(environment, command)) {
      assertThat(bench.exitCode(Duration.ofMinutes(20))).as(bench.said()).isZero();
      JsonNode results = new ObjectMapper().readTree(bench.out());
      assertThat(results.path("jobsListed").asInt()).isEqualTo(jobs + PROBES);
      for (String none : List.of("callsFailed", "eventsLost", "eventsRepeated", "endsMissed")) {
        assertThat(results.path(none).asInt(-1)).as(none).isZero();
      }
      // Queued, placed, started, running, ended, succeeded.
      assertThat(results.path("eventsRead").asInt()).isGreaterThanOrEqualTo(6 * readers);
      assertThat(results.path("submitMillis").path("count").asInt()).isBetween(1, jobs);
      assertThat(results.path("placementMillis").path("count").asInt()).isEqualTo(jobs - workers);
      assertThat(results.path("submitToPlacedMillis").path("count").asInt()).isEqualTo(PROBES);
      assertThat(results.path("deliveryMillis").path("count").asInt()).isPositive();
      assertThat(results.path("trainedHeapBytes").asLong()).isPositive();
      assertThat(results.path("queuedResidentBytes").asLong()).isPositive();
    }
  }

  private TandemProcess start(Map<String, String> environment, List<String> command)
      throws Exception {
    return TandemProcess.start(directory, environment, command.toArray(String[]::new));
  }

  private static String[] brief(String... more) {
    String options =
        "--pages 2 --clients 4 --calls 50 --job-seconds 1 --progress-seconds 0.2 --minutes 3";
    return Stream.concat(Stream.of(options.split(" ")), Stream.of(more)).toArray(String[]::new);
  }

  private static Map<String, String> password() {
    return Map.of(DatabaseOptions.PASSWORD, TestDatabase.PASSWORD);
  }

  @Test
  void shouldLoseNothing() throws Exception {
    assertNothingLost(Map.of(), 300, 40, 20, brief());
  }

  @Test
  @EnabledOnOs(
      architectures = {"amd64", "x86_64"},
      disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
  void shouldLoseNothingOnPostgresqlAndTakeNoneThatHasJobs() throws Exception {
    try (TestDatabase database = TestDatabase.start()) {
      String[] options = brief("--database", database.url("127.0.0.1"));
      assertNothingLost(password(), 60, 20, 5, options);
      List<String> again = new ArrayList<>(List.of("bench", "control"));
      again.addAll(List.of(options));
      try (TandemProcess bench = start(password(), again)) {
        assertThat(bench.exitCode(Duration.ofMinutes(2))).as(bench.said()).isEqualTo(2);
        assertThat(bench.said())
            .contains("--database: 80 jobs are there already; give an empty one");
      }
      Map<String, String> wrong = Map.of(DatabaseOptions.PASSWORD, "another");
      try (TandemProcess bench = start(wrong, again)) {
        assertThat(bench.exitCode(Duration.ofMinutes(2))).as(bench.said()).isEqualTo(1);
        assertThat(bench.said())
            .contains("the coordinator does not start; it says last: ")
            .contains("password authentication failed");
      }
    }
  }

  /** The command's own numbers, with the profile {@code long}. */
  @Test
  @EnabledIfSystemProperty(
      named = "tandem.long",
      matches = "true",
      disabledReason = "minutes; the profile long has it")
  void shouldLoseNothingUnderFullLoad() throws Exception {
    assertNothingLost(Map.of(), 10_000, 1_000, 200);
  }

  /** The same on PostgreSQL. */
  @Test
  @EnabledIfSystemProperty(
      named = "tandem.long",
      matches = "true",
      disabledReason = "minutes; the profile long has it")
  @EnabledOnOs(
      architectures = {"amd64", "x86_64"},
      disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
  void shouldLoseNothingUnderFullLoadOnPostgresql() throws Exception {
    try (TestDatabase database = TestDatabase.start()) {
      assertNothingLost(password(), 10_000, 1_000, 200, "--database", database.url("127.0.0.1"));
    }
  }
}
