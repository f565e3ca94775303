package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.coordinator.TestJobs;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.job.JobFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How far back a look goes, by a clock that the test sets. */
class ChangeStreamTest {
  /** Each job that waits makes one event; a look always goes back 500. */
  private static final int JOBS = 520;

  @TempDir Path directory;
  private final AtomicLong nanoTime = new AtomicLong(-5_000);
  private Store store;
  private ControlPlane plane;
  private ChangeStream changes;

  @BeforeEach
  void start() throws Exception {
    store = Store.open(directory);
    plane =
        ControlPlane.start(
            store, JobTiming.standard(), "127.0.0.1", 0, new Formation.Alone(), Protection.NONE);
    plane.join();
    changes = new ChangeStream(plane, store, nanoTime::get);
  }

  @AfterEach
  void stop() {
    plane.close();
    store.close();
  }

  private void submitJobs() throws Exception {
    byte[] yaml = TestJobs.yaml(1, 1).getBytes(StandardCharsets.UTF_8);
    String json = new String(JobFiles.toJson(JobFiles.parse(yaml)), StandardCharsets.UTF_8);
    List<CompletionStage<JobSubmitted>> all = new ArrayList<>();
    for (int i = 0; i < JOBS; i++) {
      all.add(plane.submit(json, null));
    }
    for (CompletionStage<JobSubmitted> one : all) {
      assertThat(one.toCompletableFuture().get(20, TimeUnit.SECONDS).getCreated()).isTrue();
    }
  }

  /** How many jobs a look shows that is made so long after the last one. */
  private long jobsShownAfter(Duration time) throws Exception {
    nanoTime.addAndGet(time.toNanos());
    return changes.look().toCompletableFuture().get(20, TimeUnit.SECONDS).events().keySet().stream()
        .filter(key -> key.startsWith("job "))
        .count();
  }

  @Test
  void shouldMissNothingBetweenTwoLooks() throws Exception {
    assertThat(jobsShownAfter(Duration.ofSeconds(1))).isZero();
    submitJobs();
    assertThat(jobsShownAfter(Duration.ofSeconds(1))).isEqualTo(JOBS);
  }

  @Test
  void shouldNotLookAtAllThatHappenedWhileNobodyRead() throws Exception {
    assertThat(jobsShownAfter(Duration.ofSeconds(1))).isZero();
    submitJobs();
    assertThat(jobsShownAfter(Duration.ofHours(3))).isEqualTo(500);
  }

  /** A database that is busy for a moment must not cut off every web page. */
  @Test
  void shouldPassOverALookThatFailsAndEndAtTheThirdInARow() {
    ChangeStream.Reader reader = new ChangeStream.Reader();
    RuntimeException busy = new IllegalStateException("busy");
    ChangeStream.Look first = new ChangeStream.Look(Map.of("job a", "A1", "job b", "B1"));
    assertThat(reader.tell(first, null)).containsExactlyInAnyOrder("A1", "B1");
    for (int i = 0; i < 2; i++) {
      assertThat(reader.tell(null, busy)).isEmpty();
    }
    ChangeStream.Look next = new ChangeStream.Look(Map.of("job a", "A2", "job b", "B1"));
    assertThat(reader.tell(next, null)).as("what changed meanwhile").containsExactly("A2");
    for (int i = 0; i < 2; i++) {
      assertThat(reader.tell(null, busy)).isEmpty();
    }
    assertThatThrownBy(() -> reader.tell(null, busy)).hasCause(busy);
  }

  @Test
  void shouldShareALook() throws Exception {
    assertThat(jobsShownAfter(Duration.ofSeconds(1))).isZero();
    submitJobs();
    assertThat(jobsShownAfter(Duration.ofMillis(400))).isZero();
    assertThat(jobsShownAfter(Duration.ofMillis(200))).isEqualTo(JOBS);
  }
}
