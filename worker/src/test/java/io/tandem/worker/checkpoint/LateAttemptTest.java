package io.tandem.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.worker.storage.TestStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An attempt that was given up, and goes on beside the one that took its place. */
class LateAttemptTest {
  private static final int LATE = 1;
  private static final int NEXT = 2;

  /** Where checkpoints lie. */
  private enum Place {
    FILES,
    OBJECTS
  }

  @TempDir Path directory;
  private TestStore store;

  @AfterEach
  void stop() throws Exception {
    if (store != null) {
      store.close();
    }
  }

  private Path root(Place place) throws Exception {
    if (place == Place.FILES) {
      return directory.resolve("checkpoints");
    }
    store = TestStore.start(directory.resolve("store"));
    return store.path("job/checkpoints");
  }

  private static void assertRefused(Path root, long step) {
    assertThatThrownBy(() -> Checkpoint.commit(root, LATE, Written.facts(step, 2, 2)))
        .isInstanceOf(CheckpointException.Superseded.class)
        .hasMessageContaining(root.toString())
        .hasMessageContaining("attempt 1 is over, since attempt 2 has begun there");
  }

  private static List<String> names(Path root) throws IOException {
    try (var all = Files.list(root)) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  /** Paused when its shards are written, before it commits. */
  @ParameterizedTest
  @EnumSource
  void shouldNotCommitNorRemoveAnythingWhenALaterOneHasCommitted(Place place) throws Exception {
    Path root = root(place);
    Path from = Written.checkpoint(root, 30, LATE, 2);
    Written.shards(Checkpoint.temporary(root, 40, LATE), Written.SHAPES, 2);
    Path fifty = Written.checkpoint(root, 50, NEXT, 2);
    Path sixty = Written.checkpoint(root, 60, NEXT, 2);
    assertRefused(root, 40);
    assertThat(Checkpoints.prune(root, 1, LATE, 40)).isEmpty();
    assertThat(Checkpoints.list(root)).containsExactly(sixty, fifty, from);
    assertThat(names(root)).as("nor leave anything behind").hasSize(3);
    assertThat(Checkpoints.prune(root, 1, NEXT, 60)).containsExactly(fifty, from);
    CheckpointReader.open(sixty).close();
  }

  /** Paused when it has committed, before it removes what is old. */
  @ParameterizedTest
  @EnumSource
  void shouldNotRemoveWhatALaterOneGoesOnFrom(Place place) throws Exception {
    Path root = root(place);
    AttemptFence.begin(root, LATE);
    Path from = Written.checkpoint(root, 30, LATE, 2);
    Path late = Written.checkpoint(root, 40, LATE, 2);
    AttemptFence.begin(root, NEXT);
    assertThat(Checkpoints.prune(root, 1, LATE, 40)).isEmpty();
    assertThat(Checkpoints.list(root)).containsExactly(late, from);
    Path next = Written.checkpoint(root, 35, NEXT, 2);
    assertThat(Checkpoints.prune(root, 2, NEXT, 35)).containsExactly(late);
    assertThat(Checkpoints.list(root)).containsExactly(next, from);
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotCommitNorBeginAnewWhenALaterOneHasBegun(Place place) throws Exception {
    Path root = root(place);
    AttemptFence.begin(root, LATE);
    AttemptFence.begin(root, LATE); // its worker is asked twice
    Written.shards(Checkpoint.temporary(root, 40, LATE), Written.SHAPES, 2);
    AttemptFence.begin(root, NEXT);
    assertRefused(root, 40);
    assertThatThrownBy(() -> AttemptFence.begin(root, LATE))
        .isInstanceOf(CheckpointException.Superseded.class);
    assertThat(names(root)).containsExactly("begun.attempt2");
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotCommitWhenALaterOneHasBegunToWrite(Place place) throws Exception {
    Path root = root(place);
    Written.shards(Checkpoint.temporary(root, 40, LATE), Written.SHAPES, 2);
    Written.shards(Checkpoint.temporary(root, 35, NEXT), Written.SHAPES, 1);
    assertRefused(root, 40);
    assertThat(names(root)).hasSize(1).allMatch(name -> name.endsWith("attempt2"));
  }
}
