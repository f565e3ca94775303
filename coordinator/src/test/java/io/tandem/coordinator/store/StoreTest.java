package io.tandem.coordinator.store;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StoreTest {
  @TempDir Path directory;

  private static StoredJob job(String id, String key, String state, Set<String> active) {
    return new StoredJob(
        new StoredJob.Header(0, id, "name", "{}", 2, 4, "gpu", key, "sha", 1000),
        new StoredJob.Status(state, "NONE", "", false, 1, 0, 3, Set.of(), active, "", 2000, 0),
        StoredJob.Progress.none());
  }

  private static void write(Store store, Consumer<StoreWriter> work) {
    store.lead("test").write(work);
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepEverythingOverARestart(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    StoredJob.Progress progress =
        new StoredJob.Progress(
            5, 10, "train", 2.5, 80, Map.of("loss", 0.5), Map.of("f", 0.1), 2500);
    Effort effort =
        new Effort(1, 2, 3, 4.5, 5, List.of(new Effort.Failure(6, 7)), 8, 9.5, 10, 11.5);
    try (Store store = place.open()) {
      write(
          store,
          writer -> {
            writer.insert(job("j1", "key", "RUNNING", Set.of("a", "b")));
            writer.update("j1", progress);
            writer.update("j1", effort);
            writer.insert(new Rows.Attempt("j1", 1, List.of("a", "b"), 2000));
            writer.insert(new Rows.Event(0, "j1", 3000, 1, "state", "{\"to\":\"RUNNING\"}"));
            writer.insertMetrics(
                List.of(
                    new Rows.Metric("j1", "loss", 3000, 1, 5, 0.5),
                    new Rows.Metric("j1", "loss", 4000, 1, 6, Double.NaN)));
            writer.insertLogs(List.of(new Rows.LogLine(0, "j1", 3000, 1, "a", "hello")));
            writer.insert(new Rows.Checkpoint("j1", "/c/4", 1, 4, 100, 0.5, 3000));
            writer.insert(new Rows.Checkpoint("j1", "/c/5", 1, 5, 100, 0.5, 3500));
            writer.acknowledged("a", 7);
            writer.acknowledged("a", 9);
          });
    }
    try (Store store = place.open()) {
      StoredJob job = store.read(r -> r.job("j1")).orElseThrow();
      assertThat(job.header().number()).isEqualTo(1);
      assertThat(job.status().active()).containsExactlyInAnyOrder("a", "b");
      assertThat(job.progress()).isEqualTo(progress);
      assertThat(job.effort()).isEqualTo(effort);
      assertThat(store.<Optional<StoredJob>>read(r -> r.jobByKey("key"))).contains(job);
      assertThat(store.<List<StoredJob>>read(StoreReader::unfinished)).containsExactly(job);
      assertThat(store.read(r -> r.attempt("j1", 1)).orElseThrow().workerByRank())
          .containsExactly("a", "b");
      assertThat(store.<List<Rows.Event>>read(r -> r.events("j1", 0, 10))).hasSize(1);
      assertThat(store.<List<Rows.Event>>read(r -> r.events("j1", 1, 10))).isEmpty();
      assertThat(store.<List<Rows.Metric>>read(r -> r.metrics("j1", "loss", 0, 3999, 10)))
          .hasSize(1);
      assertThat(
              store.<List<Rows.Metric>>read(r -> r.metrics("j1", null, 0, 9999, 10)).get(1).value())
          .isNaN();
      assertThat(store.read(r -> r.logs("j1", 0, 10)).get(0).line()).isEqualTo("hello");
      assertThat(store.<List<Rows.Checkpoint>>read(r -> r.checkpoints("j1")))
          .extracting(Rows.Checkpoint::path)
          .containsExactly("/c/5", "/c/4");
      assertThat(store.<Long>read(r -> r.acknowledged("a"))).isEqualTo(9);
      assertThat(store.<Long>read(r -> r.acknowledged("unknown"))).isZero();
      assertThat(store.<List<StoredJob>>read(r -> r.jobs(null, Long.MAX_VALUE, 10)))
          .containsExactly(job);
      assertThat(store.<List<StoredJob>>read(r -> r.jobs("QUEUED", Long.MAX_VALUE, 10))).isEmpty();
    }
  }

  /** PostgreSQL refuses the character 0, which a broken program may well print. */
  @ParameterizedTest
  @EnumSource
  void shouldTakeAnyText(Dialect dialect) {
    String odd = "a\0b \uD83D\uDE00 'c' \"d\" \\e";
    try (Store store = new TestStore(dialect, directory).open()) {
      write(
          store,
          writer -> {
            writer.insert(job("j1", null, "RUNNING", Set.of()));
            writer.insertLogs(List.of(new Rows.LogLine(0, "j1", 3000, 1, "a", odd)));
          });
      assertThat(store.read(r -> r.logs("j1", 0, 10)).get(0).line())
          .isEqualTo(odd.replace('\0', '\uFFFD'));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldForgetAllThatBelongsToADeletedJob(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    try (Store store = place.open()) {
      write(
          store,
          writer -> {
            writer.insert(job("j1", null, "FAILED", Set.of()));
            writer.insert(job("j2", null, "FAILED", Set.of("a")));
            writer.insert(new Rows.Event(0, "j1", 3000, 1, "state", "{}"));
          });
      write(store, writer -> writer.delete("j1"));
      HousekeepingTest.round(store, Duration.ZERO);
      assertThat(store.<Optional<StoredJob>>read(r -> r.job("j1"))).isEmpty();
      assertThat(store.<List<Rows.Event>>read(r -> r.events("j1", 0, 10))).isEmpty();
      assertThat(store.<List<StoredJob>>read(StoreReader::unfinished))
          .extracting(job -> job.header().id())
          .containsExactly("j2");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldThinSeriesToMeansOfEachAttempt(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    try (Store store = place.open()) {
      write(
          store,
          writer -> {
            writer.insert(job("j1", null, "RUNNING", Set.of("a")));
            for (int step = 1; step <= 100; step++) {
              writer.insertMetrics(
                  List.of(
                      new Rows.Metric("j1", "loss", 1000 + step, 1, step, step),
                      new Rows.Metric("j1", "rate", 1000 + step, 1, step, Double.NaN)));
            }
            writer.insertMetrics(List.of(new Rows.Metric("j1", "loss", 2000, 2, 90, 7)));
          });
      List<Rows.Metric> thinned = store.read(r -> r.thinned("j1", 99, 10));
      List<Rows.Metric> loss = thinned.stream().filter(m -> m.name().equals("loss")).toList();
      assertThat(loss).hasSize(12); // 0-9, 10-19, ..., 90-99, 100; and of the second attempt 90
      assertThat(loss.get(1)).isEqualTo(new Rows.Metric("j1", "loss", 1019, 1, 19, 14.5));
      assertThat(loss.get(11)).isEqualTo(new Rows.Metric("j1", "loss", 2000, 2, 90, 7));
      assertThat(thinned.stream().filter(m -> m.name().equals("rate")))
          .hasSize(11)
          .allMatch(m -> Double.isNaN(m.value()));
      assertThat(store.<List<Rows.Metric>>read(r -> r.thinned("j1", 100_000_000, 1000))).hasSize(3);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepTheImagesOfTheLastEvaluation(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    Rows.Opinion sure = new Rows.Opinion(3, 0.75);
    try (Store store = place.open()) {
      write(
          store,
          writer -> {
            writer.insert(job("j1", null, "RUNNING", Set.of("a")));
            writer.replaceSamples(
                "j1", List.of(new Rows.Sample(7, 5, 1, sure, sure, new byte[] {1, -1})));
            writer.replaceSamples(
                "j1", List.of(new Rows.Sample(9, 10, 1, sure, null, new byte[] {2, -2})));
          });
      List<Rows.Sample> samples = store.read(r -> r.samples("j1"));
      assertThat(samples).hasSize(1);
      Rows.Sample sample = samples.get(0);
      assertThat(sample.place()).isEqualTo(9);
      assertThat(sample.step()).isEqualTo(10);
      assertThat(sample.student()).isEqualTo(sure);
      assertThat(sample.teacher()).isNull();
      assertThat(sample.image()).containsExactly(2, -2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldTellWhatHappenedLately(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    try (Store store = place.open()) {
      write(
          store,
          writer -> {
            writer.insert(job("runs", null, "RUNNING", Set.of("a")));
            for (String id : List.of("first", "second", "third")) {
              writer.insert(job(id, null, "SUCCEEDED", Set.of()));
              writer.insert(new Rows.Event(0, id, 3000, 1, "state", "{}"));
            }
          });
      assertThat(store.<List<StoredJob>>read(r -> r.lately(r.newestEvent() - 2)))
          .extracting(job -> job.header().id())
          .containsExactly("third", "second", "runs");
      assertThat(store.<Long>read(r -> r.eventBeforeLast("second", 1))).isZero();
      write(store, w -> w.insert(new Rows.Event(0, "second", 3000, 1, "notice", "{}")));
      assertThat(store.<Long>read(r -> r.eventBeforeLast("second", 1))).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldWriteAllOrNothing(Dialect dialect) {
    TestStore place = new TestStore(dialect, directory);
    try (Store store = place.open()) {
      assertThatThrownBy(
              () ->
                  write(
                      store,
                      writer -> {
                        writer.insert(job("j1", null, "QUEUED", Set.of()));
                        writer.insert(job("j1", null, "QUEUED", Set.of()));
                      }))
          .isInstanceOf(RuntimeException.class);
      assertThat(store.<List<StoredJob>>read(r -> r.jobs(null, Long.MAX_VALUE, 10))).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldTellWhatItRefusesFromWhatItCannotDo(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      write(store, writer -> writer.insert(job("j1", null, "RUNNING", Set.of())));
      String longName = new Random(1).ints(20_000).mapToObj(Integer::toString).collect(joining());
      List<Consumer<StoreWriter>> refused =
          List.of(
              writer -> writer.insert(job("j1", null, "RUNNING", Set.of())),
              writer -> writer.insert(new Rows.Event(0, "no job", 1, 1, "notice", "{}")));
      for (Consumer<StoreWriter> work : refused) {
        assertThat(catchThrowableOfType(RuntimeException.class, () -> write(store, work)))
            .matches(Store::refuses);
      }
      Consumer<StoreWriter> large =
          writer -> writer.insertMetrics(List.of(new Rows.Metric("j1", longName, 1, 1, 1, 1)));
      if (dialect == Dialect.POSTGRESQL) { // as SQLite takes it
        assertThat(catchThrowableOfType(RuntimeException.class, () -> write(store, large)))
            .matches(Store::refuses);
      }
      for (int cannot : new int[] {5, 10, 11, 13}) { // SQLite is busy, cannot read, is broken, full
        assertThat(Store.refuses(new RuntimeException(new SQLException("no", null, cannot))))
            .isFalse();
      }
      Leadership old = store.lead("old");
      store.lead("new");
      assertThat(catchThrowableOfType(RuntimeException.class, () -> old.write(writer -> {})))
          .matches(e -> !Store.refuses(e));
      store.transact(handle -> handle.execute("DROP TABLE logs"));
      Rows.LogLine line = new Rows.LogLine(0, "j1", 1, 1, "a", "a line");
      assertThat(
              catchThrowableOfType(
                  RuntimeException.class,
                  () -> write(store, writer -> writer.insertLogs(List.of(line)))))
          .matches(e -> !Store.refuses(e));
    }
  }

  /** What is sent at the end of a transaction is as it was written, or nothing is. */
  @ParameterizedTest
  @EnumSource
  void shouldKeepTheOrderOfWhatIsSentTogether(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      StoredJob job = job("j1", null, "RUNNING", Set.of("a"));
      Rows.Attempt attempt = new Rows.Attempt("j1", 1, List.of("a"), 1);
      write(
          store,
          writer -> {
            writer.insert(job);
            for (String type : new String[] {"A", "B", "A"}) {
              writer.insert(new Rows.Event(0, "j1", 1, 1, type, "{}"));
              writer.update("j1", job(type, null, "STATE-" + type, Set.of()).status());
            }
            writer.update("j1", job("j1", null, "PAUSED", Set.of()).status());
            writer.insert(attempt);
            writer.insertMetrics(List.of());
          });
      assertThat(store.<List<Rows.Event>>read(reader -> reader.events("j1", 0, 9)))
          .extracting(Rows.Event::type)
          .containsExactly("A", "B", "A");
      assertThat(store.<Optional<StoredJob>>read(reader -> reader.job("j1")).orElseThrow())
          .extracting(stored -> stored.status().state())
          .isEqualTo("PAUSED");
      Consumer<StoreWriter> twice =
          writer -> {
            writer.insert(new Rows.Checkpoint("j1", "/c/5", 1, 5, 9, 0.5, 1));
            writer.insert(attempt);
          };
      assertThat(catchThrowableOfType(RuntimeException.class, () -> write(store, twice)))
          .matches(Store::refuses);
      assertThat(store.<List<Rows.Checkpoint>>read(reader -> reader.checkpoints("j1"))).isEmpty();
    }
  }

  @Test
  void shouldRefuseASecondOwnerAndServeTheNextOne() {
    try (Store first = Store.open(directory)) {
      assertThatThrownBy(() -> Store.open(directory))
          .isInstanceOf(StoreInUseException.class)
          .hasMessageContaining(directory.toString());
      assertThat(first.<List<StoredJob>>read(StoreReader::unfinished)).isEmpty();
    }
    try (Store next = Store.open(directory)) {
      assertThat(next.<List<StoredJob>>read(StoreReader::unfinished)).isEmpty();
    }
  }

  @Test
  void shouldRefuseAStoreOfALaterRelease() throws Exception {
    Store.open(directory).close();
    String file = "jdbc:sqlite:" + directory.resolve("tandem.db");
    try (Connection connection = DriverManager.getConnection(file);
        Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO flyway_schema_history SELECT 99, '99', 'later', type, 'V99__Later.sql',"
              + " checksum, installed_by, installed_on, execution_time, success"
              + " FROM flyway_schema_history WHERE version = '1'");
    }
    assertThatThrownBy(() -> Store.open(directory))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("later release (schema version 99)");
    assertThatThrownBy(() -> Store.open(directory))
        .as("and gives it free")
        .hasMessageContaining("later release");
  }

  @Test
  void shouldSayWhyAStoreCannotBeUsed() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> Store.open(file))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the store in " + file + " cannot be used")
        .hasMessageContaining("FileAlreadyExists");
    Path garbage = Files.createDirectories(directory.resolve("garbage"));
    Files.writeString(garbage.resolve("tandem.db"), "this is no database".repeat(100));
    assertThatThrownBy(() -> Store.open(garbage))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the store in " + garbage + " cannot be used")
        .hasMessageContaining("not a database");
  }

  /** What an earlier program made with the first script as it was then is what it makes now. */
  @Test
  void shouldOpenAStoreOfTheTimeWhenTheScriptsWereSqlitesAlone() throws Exception {
    Store.open(directory).close();
    String url = "jdbc:sqlite:" + directory.resolve("tandem.db");
    try (var connection = DriverManager.getConnection(url);
        var statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE flyway_schema_history SET checksum = %d WHERE version = '1'"
              .formatted(Migrations.FIRST_OF_SQLITE));
    }
    try (Store store = Store.open(directory)) {
      assertThat(store.<List<StoredJob>>read(StoreReader::unfinished)).isEmpty();
    }
  }

  @Test
  void shouldTakeADatabaseThatIsAPostgresAndKeepsItsPasswordToItself() {
    Database database = new Database("jdbc:postgresql://db:5432/tandem?sslmode=x", "me", "s3cret");
    assertThat(database.toString()).isEqualTo("jdbc:postgresql://db:5432/tandem as me");
    for (String url :
        List.of(
            "jdbc:postgresql://db/tandem?user=me&password=s3cret",
            "jdbc:postgresql://db/tandem?sslpassword=s3cret",
            "jdbc:postgresql://me:s3cret@db/tandem",
            "jdbc:mysql://db/tandem?p=s3cret",
            "db:5432/tandem")) {
      assertThatThrownBy(() -> new Database(url, "me", ""))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("database")
          .hasMessageNotContaining("s3cret");
    }
  }
}
