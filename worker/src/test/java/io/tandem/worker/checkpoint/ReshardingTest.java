package io.tandem.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class ReshardingTest {
  @Property(tries = 1000)
  void shouldCoverEveryElementOnce(
      @ForAll @IntRange(max = 5000) int n, @ForAll @IntRange(min = 1, max = 64) int shards) {
    long next = 0;
    for (int shard = 0; shard < shards; shard++) {
      var range = SliceRange.of(n, shard, shards);
      assertThat(range.from()).isEqualTo(next);
      assertThat(range.count()).isLessThanOrEqualTo((n + shards - 1) / shards);
      next = range.end();
    }
    assertThat(next).isEqualTo(n);
  }

  @Property(tries = 60)
  void shouldReadOnAnyMeshWhatAnyMeshWrote(
      @ForAll @IntRange(max = 400) int first,
      @ForAll @IntRange(max = 40) int second,
      @ForAll @IntRange(min = 1, max = 17) int writers,
      @ForAll @IntRange(min = 1, max = 17) int readers)
      throws IOException {
    var root = Files.createTempDirectory("resharding");
    try {
      var shapes = Map.of("a", List.of((long) first), "b", List.of((long) second, 3L));
      var directory = Written.checkpoint(root, 1, 1, writers, shapes);
      try (var reader = CheckpointReader.open(directory)) {
        for (var tensor : shapes.entrySet()) {
          for (int shard = 0; shard < readers; shard++) {
            var range = SliceRange.of(TensorSlice.elements(tensor.getValue()), shard, readers);
            var into = FloatBuffer.allocate((int) range.count() + 2);
            into.position(1);
            reader.readSlice(tensor.getKey(), range.from(), (int) range.count(), into);
            assertThat(into.position()).isEqualTo(1 + range.count());
            assertThat(into.limit(into.position()).position(1).slice())
                .isEqualTo(Written.values(tensor.getKey(), range));
          }
        }
      }
    } finally {
      Storage.delete(root);
    }
  }
}
