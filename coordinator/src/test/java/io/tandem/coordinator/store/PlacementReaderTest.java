package io.tandem.coordinator.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlacementReaderTest {
  /** More than one statement asks for. */
  private static final int JOBS = Many.MOST + 1;

  @TempDir Path directory;

  private static StoredJob job(String id, int attempt) {
    return new StoredJob(
        new StoredJob.Header(0, id, "name", "{}", 1, 1, "", null, "sha", 1000),
        new StoredJob.Status(
            "RUNNING", "NONE", "", false, attempt, 0, 3, Set.of(), Set.of(), "", 2000, 0),
        StoredJob.Progress.none());
  }

  @ParameterizedTest
  @EnumSource
  void shouldTellOfEachJobItsNewestAttemptAndCheckpoint(Dialect dialect) {
    List<StoredJob> jobs = new ArrayList<>();
    for (int i = 0; i < JOBS; i++) {
      jobs.add(job("j" + i, 2));
    }
    StoredJob waiting = job("waiting", 0);
    try (Store store = new TestStore(dialect, directory).open()) {
      store
          .lead("test")
          .write(
              writer -> {
                for (StoredJob job : jobs) {
                  String id = job.header().id();
                  writer.insert(job);
                  writer.insert(new Rows.Attempt(id, 1, List.of("old"), 2000));
                  writer.insert(new Rows.Attempt(id, 2, List.of(id + "-w", "v"), 2000));
                }
                writer.insert(waiting);
                for (long step : new long[] {5, 20, 15}) {
                  writer.insert(new Rows.Checkpoint("j7", "/c/" + step, 1, step, 9, 0.5, 2000));
                }
              });
      jobs.add(waiting);
      Map<String, Rows.Placement> placements = store.read(reader -> reader.placements(jobs));
      assertThat(placements).hasSize(JOBS + 1);
      assertThat(placements.get("j7")).isEqualTo(new Rows.Placement(List.of("j7-w", "v"), 20L));
      String last = "j" + (JOBS - 1);
      assertThat(placements.get(last))
          .isEqualTo(new Rows.Placement(List.of(last + "-w", "v"), null));
      assertThat(placements.get("waiting")).isEqualTo(new Rows.Placement(List.of(), null));
      List<String> ids = jobs.stream().map(job -> job.header().id()).toList();
      assertThat(store.<List<StoredJob>>read(reader -> reader.jobs(ids)))
          .extracting(job -> job.header().id())
          .containsExactlyInAnyOrderElementsOf(ids);
      assertThat(store.<List<StoredJob>>read(reader -> reader.jobs(List.of()))).isEmpty();
    }
  }
}
