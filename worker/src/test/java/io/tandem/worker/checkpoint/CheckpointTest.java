package io.tandem.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @TempDir Path root;

  @Test
  void shouldKeepFactsAndTensors() throws IOException {
    var directory = Written.checkpoint(root, 100, 3, 4);
    assertThat(directory).isEqualTo(root.resolve("step-00000100.attempt3"));
    try (var reader = CheckpointReader.open(directory)) {
      assertThat(reader.manifest().facts()).isEqualTo(Written.facts(100, 2, 4));
      assertThat(reader.manifest().tensors())
          .containsOnlyKeys(Written.SHAPES.keySet())
          .containsEntry(
              "student.stem.weight", new Manifest.TensorInfo("F32", List.of(3L, 3L, 3L, 16L)));
      var scalar = FloatBuffer.allocate(1);
      reader.readSlice("scalar", 0, 1, scalar);
      assertThat(scalar.get(0)).isEqualTo(Written.value("scalar", 0));
    }
    assertThat(children(root)).containsExactly("step-00000100.attempt3");
    assertThat(children(directory)).hasSize(6).contains("manifest.json", "manifest.json.sha256");
  }

  @Test
  void shouldKeepFloatsBitForBit() throws IOException {
    var bits = new int[] {0, 0x80000000, 1, 0x7f7fffff, 0x7f800000, 0x7fc00001, 0xff800000};
    var values = FloatBuffer.allocate(bits.length);
    for (int bit : bits) {
      values.put(Float.intBitsToFloat(bit));
    }
    var temporary = Checkpoint.temporary(root, 1, 1);
    ShardFile.write(
        temporary.resolve(ShardFile.name(0, 1)),
        List.of(new TensorSlice("x", List.of((long) bits.length), 0, values.flip())));
    assertThat(values.position()).isZero();
    var made = Checkpoint.commit(root, 1, Written.facts(1, 1, 1));
    try (var reader = CheckpointReader.open(made.directory())) {
      var into = FloatBuffer.allocate(bits.length);
      reader.readSlice("x", 0, bits.length, into);
      for (int i = 0; i < bits.length; i++) {
        assertThat(Float.floatToRawIntBits(into.get(i))).isEqualTo(bits[i]);
      }
    }
  }

  @Test
  void shouldReadTensorsLargerThanAChunk() throws IOException {
    var shapes = Map.of("large", List.of(1_000_003L));
    try (var reader = CheckpointReader.open(Written.checkpoint(root, 1, 1, 3, shapes))) {
      var into = FloatBuffer.allocate(900_000);
      reader.readSlice("large", 50_000, 900_000, into);
      assertThat(into.flip()).isEqualTo(Written.values("large", new SliceRange(50_000, 900_000)));
    }
  }

  @Test
  void shouldRefuseAnyAlteredTruncatedOrMissingFileByName() throws IOException {
    var directory = Written.checkpoint(root, 5, 1, 3);
    for (var name : children(directory)) {
      var file = directory.resolve(name);
      byte[] good = Files.readAllBytes(file);
      for (int position : new int[] {0, 9, good.length / 2, good.length - 3}) {
        var altered = good.clone();
        altered[position] ^= 1;
        Files.write(file, altered);
        assertRefused(directory, name);
      }
      Files.write(file, Arrays.copyOf(good, good.length - 4));
      assertRefused(directory, name);
      Files.delete(file);
      assertRefused(directory, name);
      Files.write(file, good);
      CheckpointReader.open(directory).close();
    }
  }

  private static void assertRefused(Path directory, String name) {
    var refusal =
        catchThrowableOfType(CheckpointException.class, () -> CheckpointReader.open(directory));
    assertThat(refusal).as(name).isNotNull();
    // The manifest and its digest vouch for each other: either may be named.
    assertThat(refusal.getMessage()).contains(name.replace(".sha256", ""));
  }

  @Test
  void shouldNotCommitWhenAShardIsMissing() throws IOException {
    var temporary = Checkpoint.temporary(root, 5, 1);
    Written.shards(temporary, Written.SHAPES, 3);
    Files.delete(temporary.resolve(ShardFile.name(1, 3)));
    assertThatThrownBy(() -> Checkpoint.commit(root, 1, Written.facts(5, 1, 3)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("2 shard files of 3");
    assertThat(children(root)).isEmpty();
  }

  @Test
  void shouldNotCommitSlicesWithGapsOrOverlaps() throws IOException {
    for (long from : new long[] {3, 5}) {
      var temporary = Checkpoint.temporary(root, 5, 1);
      ShardFile.write(
          temporary.resolve(ShardFile.name(0, 2)),
          List.of(new TensorSlice("x", List.of(8L), 0, FloatBuffer.allocate(4))));
      ShardFile.write(
          temporary.resolve(ShardFile.name(1, 2)),
          List.of(new TensorSlice("x", List.of(8L), from, FloatBuffer.allocate(3))));
      assertThatThrownBy(() -> Checkpoint.commit(root, 1, Written.facts(5, 1, 2)))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("begins at element " + from);
    }
    assertThat(children(root)).isEmpty();
  }

  @Test
  void shouldKeepAWholeCheckpointOfTheSameStepAndReplaceABrokenOne() throws IOException {
    var directory = Written.checkpoint(root, 7, 1, 2);
    assertThat(Written.checkpoint(root, 7, 1, 4)).isEqualTo(directory);
    assertThat(CheckpointReader.manifest(directory).facts().shards()).isEqualTo(2);
    Files.write(directory.resolve(ShardFile.name(0, 2)), new byte[3]);
    Written.checkpoint(root, 7, 1, 4);
    CheckpointReader.open(directory).close();
    assertThat(CheckpointReader.manifest(directory).facts().shards()).isEqualTo(4);
    assertThat(children(root)).containsExactly("step-00000007.attempt1");
  }

  @Test
  void shouldReadAndPruneWhatBearsNoAttemptInItsName() throws IOException {
    for (int step = 1; step <= 3; step++) {
      Files.move(Written.checkpoint(root, step, 1, 2), root.resolve("step-0000000" + step));
    }
    var newest = root.resolve("step-00000003");
    assertThat(Checkpoints.list(root)).hasSize(3).startsWith(newest);
    assertThat(Checkpoints.ofStep(root, 3)).isEqualTo(newest);
    CheckpointReader.open(newest).close();
    var again = Written.checkpoint(root, 3, 2, 2);
    assertThat(Checkpoints.ofStep(root, 3)).isEqualTo(again);
    assertThat(Checkpoints.prune(root, 2, 2, 3))
        .containsExactly(newest, root.resolve("step-00000001"));
    assertThat(Checkpoints.list(root)).containsExactly(again, root.resolve("step-00000002"));
  }

  @Test
  void shouldGiveUpWithoutATraceWhenTheDiskIsFull() throws IOException {
    var full = Path.of("/dev/full");
    assumeThat(full).exists();
    var temporary = Checkpoint.temporary(root, 5, 1);
    var file = Files.createSymbolicLink(temporary.resolve(ShardFile.name(0, 1)), full);
    assertThatThrownBy(
            () ->
                ShardFile.write(
                    file, List.of(new TensorSlice("x", List.of(8L), 0, FloatBuffer.allocate(8)))))
        .isInstanceOf(CheckpointException.NotWritten.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("No space left");
    assertThatThrownBy(() -> Checkpoint.commit(root, 1, Written.facts(5, 1, 1)))
        .isInstanceOf(CheckpointException.class);
    assertThat(children(root)).isEmpty();
  }

  @Test
  void shouldGiveUpWithoutATraceWhenTheManifestDoesNotFit() throws IOException {
    assumeThat(Path.of("/dev/full")).exists();
    var temporary = Checkpoint.temporary(root, 5, 1);
    Written.shards(temporary, Written.SHAPES, 1);
    Files.createSymbolicLink(temporary.resolve("manifest.json"), Path.of("/dev/full"));
    assertThatThrownBy(() -> Checkpoint.commit(root, 1, Written.facts(5, 1, 1)))
        .isInstanceOf(CheckpointException.NotWritten.class);
    assertThat(children(root)).isEmpty();
  }

  @Test
  void shouldFallBackToTheNewestWholeOne() throws IOException {
    Written.checkpoint(root, 1, 1, 2);
    Written.checkpoint(root, 2, 1, 2);
    var newest = Written.checkpoint(root, 3, 1, 2);
    Files.write(newest.resolve(ShardFile.name(1, 2)), new byte[3]);
    var found = Checkpoints.newestWhole(Checkpoints.list(root));
    try (var reader = found.reader().orElseThrow()) {
      assertThat(reader.manifest().facts().step()).isEqualTo(2);
    }
    assertThat(found.refused())
        .singleElement()
        .satisfies(
            refusal -> {
              assertThat(refusal.file()).isEqualTo(newest.resolve(ShardFile.name(1, 2)));
              assertThat(refusal).hasMessageContaining("3 bytes instead of");
            });
    assertThat(Checkpoints.newestWhole(List.of()).reader()).isEmpty();
  }

  @Test
  void shouldPruneOldOnesAndLeftoversOfEarlierAttempts() throws IOException {
    for (int step = 1; step <= 5; step++) {
      Written.checkpoint(root, step, 1, 1);
    }
    Checkpoint.temporary(root, 6, 1);
    Checkpoint.temporary(root, 6, 2);
    Files.createDirectory(root.resolve("export"));
    assertThat(Checkpoints.prune(root, 2, 2, 5))
        .containsExactly(
            root.resolve("step-00000003.attempt1"),
            root.resolve("step-00000002.attempt1"),
            root.resolve("step-00000001.attempt1"));
    assertThat(children(root))
        .containsExactly(
            "export",
            "step-00000004.attempt1",
            "step-00000005.attempt1",
            "step-00000006.tmp-attempt2");
    assertThat(Checkpoints.list(root.resolve("nowhere"))).isEmpty();
  }

  @Test
  void shouldKeepWhatWasJustCommittedAndRemoveTheBrokenNewerOne() throws IOException {
    var old = Written.checkpoint(root, 50, 1, 1);
    var broken = Written.checkpoint(root, 300, 1, 1);
    Files.write(broken.resolve(ShardFile.name(0, 1)), new byte[3]);
    Written.checkpoint(root, 100, 2, 1);
    assertThat(Checkpoints.prune(root, 1, 2, 100)).containsExactly(broken, old);
    assertThat(children(root)).containsExactly("step-00000100.attempt2");
  }

  @Test
  void shouldNameWhatCanBeGoneOnFromTheNewestFirst() throws IOException {
    var two = Written.checkpoint(root, 2, 1, 1);
    var four = Written.checkpoint(root, 4, 2, 1);
    Checkpoint.temporary(root, 5, 2);
    var elsewhere = Path.of("/elsewhere/step-00000003");
    assertThat(Checkpoints.candidates(List.of(elsewhere, two), root))
        .containsExactly(four, elsewhere, two);
    assertThat(Checkpoints.candidates(List.of(two), root.resolve("none"))).containsExactly(two);
  }

  @Test
  void shouldForceEveryDirectoryThatHoldsANewName() throws IOException {
    var deep = root.resolve("job").resolve("checkpoints").resolve("step");
    assertThat(Trees.create(deep))
        .containsExactly(root.resolve("job/checkpoints"), root.resolve("job"), root);
    assertThat(deep).isDirectory();
    assertThat(Trees.create(deep)).isEmpty();
  }

  static List<String> children(Path directory) throws IOException {
    try (var all = Files.list(directory)) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
