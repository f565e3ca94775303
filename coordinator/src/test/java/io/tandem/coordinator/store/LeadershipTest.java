package io.tandem.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.coordinator.Cable;
import io.tandem.coordinator.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who may write, and what happens while the database is away. */
class LeadershipTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  @TempDir Path directory;

  private static StoredJob job(String id) {
    return new StoredJob(
        new StoredJob.Header(0, id, "name", "{}", 1, 1, "", null, "sha", 1000),
        new StoredJob.Status("QUEUED", "NONE", "", false, 0, 0, 3, Set.of(), Set.of(), "", 0, 0),
        StoredJob.Progress.none());
  }

  private static List<String> jobs(Store store) {
    return store.read(StoreReader::unfinished).stream().map(job -> job.header().id()).toList();
  }

  @ParameterizedTest
  @EnumSource
  void shouldRefuseTheWritesOfAnOldLeaderAndLeaveNothing(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      Leadership old = store.lead("old");
      old.write(writer -> writer.insert(job("a")));
      Leadership next = store.lead("next");
      assertThat(next.epoch()).isEqualTo(old.epoch() + 1);
      assertThatThrownBy(() -> old.write(writer -> writer.insert(job("b"))))
          .isInstanceOf(FencedException.class)
          .hasMessageContaining("old");
      old.resign(); // changes nothing of the next one's
      next.write(writer -> writer.insert(job("c")));
      assertThat(jobs(store)).containsExactly("a", "c");
      assertThat(store.otherLeader("old", LONG)).contains("next");
    }
  }

  /** Of two that write at the same time, the old one is done before the new one begins. */
  @Test
  void shouldTakeTheLeadOnlyWhenWhatIsUnderWayIsDone() throws Exception {
    TestStore place = new TestStore(Dialect.POSTGRESQL, directory);
    try (Store first = place.open();
        Store second = place.open()) {
      Leadership old = first.lead("old");
      CountDownLatch goOn = new CountDownLatch(1);
      CompletableFuture<Void> writing = writesWhen(goOn, old, job("a"));
      CompletableFuture<Leadership> taking =
          CompletableFuture.supplyAsync(() -> second.lead("next"));
      assertThatThrownBy(() -> taking.get(500, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      goOn.countDown();
      writing.get(20, TimeUnit.SECONDS);
      taking.get(20, TimeUnit.SECONDS).write(writer -> writer.insert(job("b")));
      assertThat(jobs(second)).containsExactly("a", "b");
      assertThatThrownBy(() -> old.write(writer -> writer.insert(job("c"))))
          .isInstanceOf(FencedException.class);
    }
  }

  /** A leader that stands still with the lock in its hand is thrown out by the database. */
  @Test
  void shouldNotBeHeldUpByALeaderThatHangs() throws Exception {
    TestStore place = new TestStore(Dialect.POSTGRESQL, directory);
    try (Store first = place.open();
        Store second = place.open()) {
      Leadership old = first.lead("old");
      CountDownLatch goOn = new CountDownLatch(1);
      CompletableFuture<Void> hanging = writesWhen(goOn, old, job("a"));
      second.lead("next").write(writer -> writer.insert(job("b")));
      goOn.countDown();
      assertThatThrownBy(() -> hanging.get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(StoreUnavailableException.class);
      assertThat(jobs(second)).containsExactly("b");
    }
  }

  /** Returns when it stands in the middle of its transaction. */
  private static CompletableFuture<Void> writesWhen(
      CountDownLatch goOn, Leadership leadership, StoredJob job) {
    CountDownLatch inside = new CountDownLatch(1);
    CompletableFuture<Void> writing =
        CompletableFuture.runAsync(
            () ->
                leadership.write(
                    writer -> {
                      writer.insert(job);
                      inside.countDown();
                      await(goOn);
                    }));
    await(inside);
    return writing;
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKnowWhetherAnotherLeaderLives(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      assertThat(store.otherLeader("b", LONG)).as("nobody led yet").isEmpty();
      Leadership a = store.lead("a");
      assertThat(store.otherLeader("b", LONG)).contains("a");
      assertThat(store.otherLeader("a", LONG)).isEmpty();
      assertThat(store.otherLeader("b", Duration.ZERO)).as("it was too long ago").isEmpty();
      a.resign();
      assertThat(store.otherLeader("b", LONG)).isEmpty();
      a.write(writer -> {});
      assertThat(store.otherLeader("b", LONG)).as("it leads on").contains("a");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveALeaseToOneAtATime(Dialect dialect) {
    try (Store store = new TestStore(dialect, directory).open()) {
      assertThat(store.acquire("split", "a", LONG)).isTrue();
      assertThat(store.acquire("split", "b", LONG)).isFalse();
      assertThat(store.acquire("other", "b", LONG)).isTrue();
      assertThat(store.acquire("split", "a", Duration.ofMillis(-1))).as("taken again").isTrue();
      assertThat(store.acquire("split", "b", LONG)).as("it has lapsed").isTrue();
      store.release("split", "a");
      assertThat(store.acquire("split", "a", LONG)).as("it is b's").isFalse();
      store.release("split", "b");
      assertThat(store.acquire("split", "a", LONG)).isTrue();
    }
  }

  @Test
  void shouldSayThatTheDatabaseIsAwayAndGoOnWhenItIsBack() throws Exception {
    Database direct = TestPostgres.fresh();
    try (Cable cable = new Cable(TestPostgres.port());
        Store store = Store.of(TestPostgres.through(cable, direct))) {
      assertThatThrownBy(store::check).isInstanceOf(StoreUnavailableException.class);
      store.awaitOpen(Duration.ofSeconds(20));
      Leadership leadership = store.lead("a");
      leadership.write(writer -> writer.insert(job("a")));
      cable.cut();
      assertThatThrownBy(() -> leadership.write(writer -> writer.insert(job("b"))))
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("cannot be reached")
          .hasMessageContaining(String.valueOf(cable.port()));
      assertThatThrownBy(() -> jobs(store)).isInstanceOf(StoreUnavailableException.class);
      cable.mend();
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .ignoreExceptionsInstanceOf(StoreUnavailableException.class)
          .untilAsserted(() -> assertThat(jobs(store)).containsExactly("a"));
      leadership.write(writer -> writer.insert(job("c")));
      assertThat(jobs(store)).containsExactly("a", "c");
    }
  }

  @Test
  void shouldWaitForADatabaseThatIsDownAndNotForOneThatSaysNo() throws Exception {
    Database direct = TestPostgres.fresh();
    try (Cable cable = new Cable(TestPostgres.port())) {
      cable.cut();
      try (Store store = Store.of(TestPostgres.through(cable, direct))) {
        assertThatThrownBy(() -> store.awaitOpen(Duration.ofMillis(1)))
            .isInstanceOf(StoreUnavailableException.class);
        CompletableFuture<Optional<StoredJob>> opening =
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    store.awaitOpen(LONG);
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  }
                  return store.read(reader -> reader.job("none"));
                });
        assertThatThrownBy(() -> opening.get(1500, TimeUnit.MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
        cable.mend();
        assertThat(opening.get(30, TimeUnit.SECONDS)).isEmpty();
      }
    }
    Database missing = new Database(direct.url() + "_none", direct.user(), direct.password());
    try (Store store = Store.of(missing)) {
      assertThatThrownBy(() -> store.awaitOpen(LONG))
          .isNotInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("_none");
    }
  }
}
