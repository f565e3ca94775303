package io.tandem.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of long series and logs, and of what deleted jobs leave behind. */
class HousekeepingTest {
  private static final int MANY = 200_000;

  @TempDir Path directory;

  /** A job with {@link #MANY} values of {@code loss}, one every fifth step: each is its step. */
  private static Leadership fill(Store store, String id) {
    Leadership leadership = store.lead("test");
    leadership.write(
        writer -> {
          writer.insert(
              new StoredJob(
                  new StoredJob.Header(0, id, "name", "{}", 1, 1, "", "key", "sha", 1000),
                  new StoredJob.Status(
                      "FAILED", "NONE", "", false, 1, 0, 3, Set.of(), Set.of(), "", 2000, 3000),
                  StoredJob.Progress.none()));
          writer.update(
              id,
              new StoredJob.Progress(
                  5L * MANY, 5L * MANY, "train", 1, 1, Map.of(), Map.of(), 2500));
          writer.insert(new Rows.Event(0, id, 3000, 1, "state", "{}"));
          writer.insertLogs(List.of(new Rows.LogLine(0, id, 3000, 1, "a", "hello")));
          List<Rows.Metric> few = new ArrayList<>();
          for (int step = 1; step <= 100; step++) {
            few.add(new Rows.Metric(id, "accuracy", step, 1, 1000L * step, step));
          }
          writer.insertMetrics(few);
        });
    store.transact(
        handle ->
            handle
                .createUpdate(
                    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
                        + " WHERE n < :many) INSERT INTO metrics SELECT :job, 'loss', n, 1, 5 * n,"
                        + " 5 * n FROM numbers")
                .bind("many", MANY)
                .bind("job", id)
                .execute());
    return leadership;
  }

  static void round(Store store, Duration keep) {
    try (Housekeeping housekeeping = new Housekeeping(store, keep)) {
      housekeeping.round();
    }
  }

  private static int count(Store store, String table, String job) {
    return store.transact(
        handle ->
            handle
                .createQuery("SELECT COUNT(*) FROM " + table + " WHERE job_id = :job")
                .bind("job", job)
                .mapTo(Integer.class)
                .one());
  }

  @ParameterizedTest
  @EnumSource
  void shouldThinALongSeriesAndLeaveItsShape(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      fill(store, "j1");
      List<Rows.Metric> before = store.read(r -> r.thinned("j1", 5L * MANY, 50));
      round(store, Duration.ZERO);
      int left = count(store, "metrics", "j1");
      assertThat(left).isBetween(SeriesThinner.KEPT / 2, SeriesThinner.KEPT + 100 + 50);
      List<Rows.Metric> after = store.read(r -> r.thinned("j1", 5L * MANY, 50));
      Map<Long, Double> drawn = byPart(before);
      assertThat(byPart(after)).hasSameSizeAs(drawn);
      byPart(after)
          .forEach((part, mean) -> assertThat(mean).isCloseTo(drawn.get(part), within(250.0)));
      assertThat(after.stream().filter(m -> m.name().equals("accuracy")))
          .as("what is short stays whole")
          .containsExactlyElementsOf(
              before.stream().filter(m -> m.name().equals("accuracy")).toList());
      round(store, Duration.ZERO);
      assertThat(count(store, "metrics", "j1")).isEqualTo(left);
    }
  }

  private static Map<Long, Double> byPart(List<Rows.Metric> thinned) {
    return thinned.stream()
        .filter(metric -> metric.name().equals("loss"))
        .collect(Collectors.toMap(m -> m.step() * 50 / (5L * MANY + 1), Rows.Metric::value));
  }

  @ParameterizedTest
  @EnumSource
  void shouldRemoveWhatADeletedJobLeavesPieceByPiece(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      fill(store, "kept");
      store.transact(handle -> handle.execute("UPDATE jobs SET idempotency_key = NULL"));
      Leadership leadership = fill(store, "gone");
      leadership.write(writer -> writer.delete("gone"));
      assertThat(count(store, "metrics", "gone")).as("not at once").isEqualTo(MANY + 100);
      assertThat(store.<Optional<StoredJob>>read(r -> r.job("gone"))).isEmpty();
      assertThat(store.<Optional<StoredJob>>read(r -> r.jobByKey("key"))).isEmpty();
      assertThat(store.<List<StoredJob>>read(r -> r.jobs(null, Long.MAX_VALUE, 10)))
          .extracting(job -> job.header().id())
          .containsExactly("kept");
      assertThat(store.<List<StoredJob>>read(r -> r.lately(0)))
          .extracting(job -> job.header().id())
          .containsExactly("kept");
      int kept = count(store, "logs", "kept");
      round(store, Duration.ZERO);
      for (String table : List.of("metrics", "logs", "events")) {
        assertThat(count(store, table, "gone")).as(table).isZero();
        assertThat(count(store, table, "kept")).as(table).isPositive();
      }
      assertThat(count(store, "logs", "kept")).isEqualTo(kept);
      assertThat(ids(store)).containsExactly("kept");
      leadership.write(writer -> writer.acknowledged("w", 1));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldDeleteJobsSoLongAfterTheirEnd(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      Leadership leadership = store.lead("test");
      long day = Duration.ofDays(1).toMillis();
      long now = leadership.now();
      leadership.write(
          writer -> {
            writer.insert(ended("old", Set.of(), now - 31 * day));
            writer.insert(ended("young", Set.of(), now - 29 * day));
            writer.insert(ended("hangs", Set.of("a"), now - 31 * day));
            writer.insert(ended("runs", Set.of("a"), 0));
          });
      round(store, Duration.ZERO);
      assertThat(ids(store)).containsExactlyInAnyOrder("old", "young", "hangs", "runs");
      round(store, Duration.ofDays(30));
      assertThat(ids(store)).containsExactlyInAnyOrder("young", "hangs", "runs");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepTheLastLinesOfALongLog(Dialect dialect) {
    int lines = LogTrimmer.KEPT + 2 * Housekeeping.BATCH + 7;
    try (Store store = new TestStore(dialect, directory).open()) {
      Leadership leadership = store.lead("test");
      leadership.write(
          writer -> {
            writer.insert(ended("talks", Set.of(), 1));
            writer.insert(ended("quiet", Set.of(), 1));
            writer.insertLogs(List.of(new Rows.LogLine(0, "quiet", 1, 1, "a", "first")));
          });
      store.transact(
          handle ->
              handle
                  .createUpdate(
                      "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
                          + " WHERE n < :lines) INSERT INTO logs (job_id, time, attempt, worker_id,"
                          + " line) SELECT 'talks', n, 1, 'a', 'line' FROM numbers ORDER BY n")
                  .bind("lines", lines)
                  .execute());
      round(store, Duration.ZERO);
      assertThat(count(store, "logs", "talks")).isEqualTo(LogTrimmer.KEPT);
      assertThat(count(store, "logs", "quiet")).isEqualTo(1);
      List<Rows.LogLine> first = store.read(reader -> reader.logs("talks", 0, 1));
      assertThat(first.get(0).time()).isEqualTo(lines - LogTrimmer.KEPT + 1L);
    }
  }

  private static List<String> ids(Store store) {
    return store.transact(
        handle -> handle.createQuery("SELECT id FROM jobs").mapTo(String.class).list());
  }

  private static StoredJob ended(String id, Set<String> active, long endedAt) {
    return new StoredJob(
        new StoredJob.Header(0, id, "name", "{}", 1, 1, "", id, "sha", 1000),
        new StoredJob.Status(
            "FAILED", "NONE", "", false, 1, 0, 3, Set.of(), active, "", 1, endedAt),
        StoredJob.Progress.none());
  }

  /** So that what was thinned once is thinned as if it had been whole. */
  @Property
  void shouldCutIntoPartsThatAreMadeOfWholeOnes(@ForAll @LongRange(min = 0) long steps) {
    long few = Math.min(steps, Long.MAX_VALUE / 4);
    long width = SeriesThinner.width(few);
    assertThat(Long.bitCount(width)).isEqualTo(1);
    assertThat(few / width).isLessThanOrEqualTo(SeriesThinner.KEPT);
    assertThat(width == 1 || few / (width / 2) >= SeriesThinner.KEPT).isTrue();
  }

  /** A series of any length is read no further than it is told. */
  @ParameterizedTest
  @EnumSource
  void shouldReadSeriesInTheOrderOfAnIndex(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      fill(store, "j1");
      String explain = dialect == Dialect.SQLITE ? "EXPLAIN QUERY PLAN " : "EXPLAIN ";
      for (String query : List.of(StoreReader.ALL_SERIES, StoreReader.ONE_SERIES)) {
        String plan =
            store.transact(
                handle -> {
                  if (dialect == Dialect.POSTGRESQL) {
                    handle.execute("ANALYZE metrics");
                  }
                  return handle
                      .createQuery(explain + query)
                      .bind("job", "j1")
                      .bind("name", "loss")
                      .bind("from", 0L)
                      .bind("to", Long.MAX_VALUE)
                      .bind("limit", 1000)
                      .mapToMap()
                      .list()
                      .toString();
                });
        assertThat(plan)
            .contains(query.equals(StoreReader.ALL_SERIES) ? "metrics_by_time" : "metrics_by_job")
            .doesNotContainIgnoringCase("sort")
            .doesNotContain("TEMP B-TREE");
      }
    }
  }
}
