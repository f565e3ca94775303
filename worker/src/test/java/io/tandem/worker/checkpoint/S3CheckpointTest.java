package io.tandem.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.worker.storage.TestStore;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints in an object store, where nothing can be renamed. */
class S3CheckpointTest {
  @TempDir Path directory;
  private TestStore store;
  private Path root;

  @BeforeEach
  void start() throws Exception {
    store = TestStore.start(directory);
    root = store.path("job/checkpoints");
  }

  @AfterEach
  void stop() throws Exception {
    store.close();
  }

  @Test
  void shouldCommitByTheManifestWhereTheShardsWereWritten() throws IOException {
    var made = Written.checkpoint(root, 100, 3, 4);
    assertThat(made.toString())
        .isEqualTo("s3://tandem-test/job/checkpoints/step-00000100.attempt3");
    assertThat(store.objects())
        .hasSize(6)
        .allMatch(name -> name.contains("step-00000100.attempt3"));
    assertThat(Checkpoints.list(root)).containsExactly(made);
    assertThat(Checkpoints.ofStep(root, 100)).isEqualTo(made);
    try (var reader = CheckpointReader.open(made)) {
      assertThat(reader.manifest().facts()).isEqualTo(Written.facts(100, 2, 4));
      for (var tensor : Written.SHAPES.entrySet()) {
        int count = (int) TensorSlice.elements(tensor.getValue());
        var values = FloatBuffer.allocate(count);
        reader.readSlice(tensor.getKey(), 0, count, values);
        assertThat(values.flip())
            .isEqualTo(Written.values(tensor.getKey(), new SliceRange(0, count)));
      }
    }
  }

  @Test
  void shouldReadTensorsLargerThanARange() throws IOException {
    long elements = 5_000_003; // 20 MB, of three shards
    var shapes = Map.of("large", List.of(elements));
    var temporary = Checkpoint.temporary(root, 1, 1);
    Written.shards(temporary, shapes, 3);
    var made = Checkpoint.commit(root, 1, Written.facts(1, 1, 3));
    try (var reader = CheckpointReader.open(made.directory())) {
      var into = FloatBuffer.allocate(4_000_000);
      reader.readSlice("large", 50_000, into.capacity(), into);
      assertThat(into.flip())
          .isEqualTo(Written.values("large", new SliceRange(50_000, into.capacity())));
    }
  }

  @Test
  void shouldNotTakeForACheckpointWhatHasNoManifest() throws IOException {
    var before = Written.checkpoint(root, 1, 1, 2);
    Written.shards(Checkpoint.temporary(root, 2, 1), Written.SHAPES, 2);
    assertThat(Checkpoints.list(root)).containsExactly(before);
    assertThatThrownBy(() -> Checkpoints.ofStep(root, 2)).isInstanceOf(CheckpointException.class);
  }

  @Test
  void shouldLeaveNothingThatLooksLikeACheckpointWhereverTheWayIsCut() throws IOException {
    var before = Written.checkpoint(root, 1, 1, 2);
    int cut = 0;
    for (long bytes = 200; ; bytes += 1500) {
      store.relay().cutAfter(bytes);
      try {
        Written.shards(Checkpoint.temporary(root, 2, 1), Written.SHAPES, 2);
        Checkpoint.commit(root, 1, Written.facts(2, 1, 2));
        break;
      } catch (CheckpointException e) {
        cut++;
        assertThat(e.getMessage()).contains("s3://tandem-test/job/checkpoints/step-00000002");
      }
      store.relay().heal();
      for (var found : Checkpoints.list(root)) {
        CheckpointReader.open(found).close(); // whole, if its answer alone was lost
      }
      assertThat(Checkpoints.newestWhole(List.of(before)).reader()).isPresent();
      Checkpoint.discard(root, 2, 1);
      assertThat(Checkpoints.list(root)).containsExactly(before);
    }
    store.relay().heal();
    assertThat(cut).isGreaterThan(5);
    assertThat(Checkpoints.list(root)).hasSize(2);
  }

  @Test
  void shouldPruneOldOnesAndLeftoversOfEarlierAttempts() throws IOException {
    for (int step = 1; step <= 4; step++) {
      Written.checkpoint(root, step, 1, 1);
    }
    Written.shards(Checkpoint.temporary(root, 5, 1), Written.SHAPES, 1);
    var again = Written.checkpoint(root, 4, 2, 1); // of the same step, by a later attempt
    Written.shards(Checkpoint.temporary(root, 5, 2), Written.SHAPES, 1);
    assertThat(Checkpoints.list(root).get(0)).isEqualTo(again);
    assertThat(Checkpoints.prune(root, 2, 2, 4))
        .containsExactly(
            root.resolve("step-00000004.attempt1"),
            root.resolve("step-00000002.attempt1"),
            root.resolve("step-00000001.attempt1"));
    assertThat(Checkpoints.list(root))
        .containsExactly(again, root.resolve("step-00000003.attempt1"));
    try (var all = Files.list(root)) {
      assertThat(all.map(path -> path.getFileName().toString()))
          .containsExactly(
              "step-00000003.attempt1", "step-00000004.attempt2", "step-00000005.attempt2");
    }
  }

  @Test
  void shouldNotFallBackWhileTheStoreDoesNotAnswer() throws IOException {
    Written.checkpoint(root, 1, 1, 1);
    var newest = Written.checkpoint(root, 2, 1, 1);
    store.relay().fallSilent();
    var hasty = store.hastyPath("job/checkpoints");
    assertThatThrownBy(
            () ->
                Checkpoints.newestWhole(
                    List.of(
                        hasty.resolve(newest.getFileName().toString()),
                        hasty.resolve("step-00000001.attempt1"))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(newest.toString())
        .hasMessageContaining("no answer in time");
  }

  @Test
  void shouldExportAModelAtOnceOrNotAtAll() throws IOException {
    var out = store.path("job/student.safetensors");
    try (var reader = CheckpointReader.open(Written.checkpoint(root, 9, 1, 5))) {
      SafetensorsExport.write(out, reader, "student.");
      var local = directory.resolveSibling("student.safetensors");
      SafetensorsExport.write(local, reader, "student.");
      assertThat(Files.readAllBytes(out)).isEqualTo(Files.readAllBytes(local));
      var before = Files.readAllBytes(out);
      store.relay().fallSilent();
      assertThatThrownBy(
              () ->
                  SafetensorsExport.write(
                      store.hastyPath("job/student.safetensors"), reader, "student."))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("s3://tandem-test/job");
      store.relay().heal();
      assertThat(Files.readAllBytes(out)).isEqualTo(before);
    }
  }
}
