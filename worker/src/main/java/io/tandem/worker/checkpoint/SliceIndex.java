package io.tandem.worker.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Which file holds which elements of every tensor; every tensor is whole. Immutable once built. */
final class SliceIndex {
  private final Path directory;
  private final Map<String, List<Part>> parts = new TreeMap<>();

  SliceIndex(Path directory) {
    this.directory = directory;
  }

  /** Some elements of a tensor in a file. */
  record Part(String file, ShardFile.Stored stored) {
    SliceRange range() {
      return stored.range();
    }
  }

  void add(Path file, Safetensors.Head head) throws CheckpointException {
    for (var slice : ShardFile.stored(file, head).entrySet()) {
      parts
          .computeIfAbsent(slice.getKey(), name -> new ArrayList<>())
          .add(new Part(file.getFileName().toString(), slice.getValue()));
    }
  }

  /** Checks that the slices of every tensor follow one another without gap and overlap. */
  Map<String, Manifest.TensorInfo> whole() throws CheckpointException {
    var tensors = new TreeMap<String, Manifest.TensorInfo>();
    for (var tensor : parts.entrySet()) {
      // Empty slices sort before the one that begins where they do.
      tensor
          .getValue()
          .sort(
              Comparator.comparingLong((Part part) -> part.range().from())
                  .thenComparingLong(part -> part.range().count()));
      var shape = tensor.getValue().get(0).stored().shape();
      long next = 0;
      for (var part : tensor.getValue()) {
        if (!part.stored().shape().equals(shape) || part.range().from() != next) {
          throw new CheckpointException(
              directory.resolve(part.file()),
              "%s %s begins at element %d, but the slices before end at %d of %s"
                  .formatted(
                      tensor.getKey(), part.stored().shape(), part.range().from(), next, shape));
        }
        next = part.range().end();
      }
      if (next != TensorSlice.elements(shape)) {
        throw new CheckpointException(
            directory, "%s %s ends at element %d".formatted(tensor.getKey(), shape, next));
      }
      tensors.put(tensor.getKey(), new Manifest.TensorInfo(Safetensors.F32, shape));
    }
    return tensors;
  }

  List<Part> parts(String tensor) {
    return parts.get(tensor);
  }
}
