package io.tandem.worker.checkpoint;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Checkpoints whose every element has a value in closed form. */
final class Written {
  static final Map<String, List<Long>> SHAPES =
      new TreeMap<>(
          Map.of(
              "student.stem.weight", List.of(3L, 3L, 3L, 16L),
              "student.head.bias", List.of(7L),
              "teacher.stem.weight", List.of(3L, 3L, 3L, 16L),
              "empty", List.of(0L, 4L),
              "scalar", List.of()));

  private Written() {}

  static float value(String tensor, long index) {
    return tensor.hashCode() % 1000 + index * 0.25f;
  }

  static FloatBuffer values(String tensor, SliceRange range) {
    var buffer = FloatBuffer.allocate((int) range.count());
    for (long i = range.from(); i < range.end(); i++) {
      buffer.put(value(tensor, i));
    }
    return buffer.flip();
  }

  static Manifest.Facts facts(long step, int replicas, int shards) {
    return new Manifest.Facts(
        "job-1",
        "small",
        step,
        replicas,
        shards,
        Map.of("phase", 2L),
        Map.of("baseline", 0.1 + 0.2));
  }

  static void shards(Path temporary, Map<String, List<Long>> shapes, int shards)
      throws CheckpointException {
    for (int shard = 0; shard < shards; shard++) {
      var slices = new ArrayList<TensorSlice>();
      for (var tensor : shapes.entrySet()) {
        var range = SliceRange.of(TensorSlice.elements(tensor.getValue()), shard, shards);
        slices.add(
            new TensorSlice(
                tensor.getKey(), tensor.getValue(), range.from(), values(tensor.getKey(), range)));
      }
      ShardFile.write(temporary.resolve(ShardFile.name(shard, shards)), slices);
    }
  }

  /** A committed checkpoint of {@link #SHAPES}. */
  static Path checkpoint(Path root, long step, int attempt, int shards) throws CheckpointException {
    return checkpoint(root, step, attempt, shards, SHAPES);
  }

  static Path checkpoint(
      Path root, long step, int attempt, int shards, Map<String, List<Long>> shapes)
      throws CheckpointException {
    var temporary = Checkpoint.temporary(root, step, attempt);
    shards(temporary, shapes, shards);
    return Checkpoint.commit(root, attempt, facts(step, 2, shards)).directory();
  }
}
