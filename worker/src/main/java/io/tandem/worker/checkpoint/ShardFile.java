package io.tandem.worker.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What one shard writes: a safetensors file of one-dimensional slices, and its SHA-256 beside it.
 */
public final class ShardFile {
  static final String SUFFIX = ".safetensors";
  static final String DIGEST_SUFFIX = ".sha256";

  /** In bytes: a hexadecimal number and a name. */
  private static final int LONGEST_DIGEST = 1 << 10;

  private static final Pattern NAME = Pattern.compile("shard-\\d{5,}-of-\\d{5,}\\.safetensors");
  private static final String FROM = "from:";
  private static final String SHAPE = "shape:";

  private ShardFile() {}

  /** {@code shard-00003-of-00016.safetensors}. */
  public static String name(int shard, int shards) {
    return "shard-%05d-of-%05d%s".formatted(shard, shards, SUFFIX);
  }

  /** Whether a file of that name may belong to a checkpoint; no other is ever opened. */
  static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * Writes and forces to the disk; blocks. Empty slices are kept, so that every shard names every
   * tensor.
   *
   * @param file in the temporary directory of the checkpoint, which exists
   * @throws CheckpointException.NotWritten when the disk is full or fails; what was written is
   *     removed
   */
  public static void write(Path file, List<TensorSlice> slices) throws CheckpointException {
    var shapes = new LinkedHashMap<String, List<Long>>();
    var metadata = new LinkedHashMap<String, String>();
    for (var slice : slices) {
      if (shapes.put(slice.tensor(), List.of((long) slice.values().remaining())) != null) {
        throw new IllegalArgumentException("two slices of " + slice.tensor() + " in " + file);
      }
      metadata.put(FROM + slice.tensor(), Long.toString(slice.from()));
      metadata.put(SHAPE + slice.tensor(), join(slice.shape()));
    }
    try (var out = new DigestingFile(file)) {
      out.write(Safetensors.head(shapes, metadata));
      for (var slice : slices) {
        out.write(slice.values());
      }
      writeDigest(file, out.finish());
    } catch (IOException e) {
      var failure = new CheckpointException.NotWritten(file, e);
      try {
        Files.deleteIfExists(file);
      } catch (IOException again) {
        failure.addSuppressed(again);
      }
      throw failure;
    }
  }

  /** In the format of {@code sha256sum}. */
  static void writeDigest(Path file, String sha256) throws IOException {
    try (var out = new DigestingFile(digestOf(file))) {
      var line = sha256 + "  " + file.getFileName() + "\n";
      out.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
      out.finish();
    }
  }

  static Path digestOf(Path file) {
    return file.resolveSibling(file.getFileName() + DIGEST_SUFFIX);
  }

  static String readDigest(Path file) throws CheckpointException {
    var digest = digestOf(file);
    try {
      var bytes = new String(Trees.read(digest, LONGEST_DIGEST), StandardCharsets.ISO_8859_1);
      var rest = "  " + file.getFileName() + "\n";
      if (!bytes.endsWith(rest)) {
        throw new CheckpointException(digest, "altered: not 'SHA-256  " + file.getFileName() + "'");
      }
      return bytes.substring(0, bytes.length() - rest.length());
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException(digest, "missing or unreadable", e);
    }
  }

  /** Where the slices of a file lie, by tensor. */
  static Map<String, Stored> stored(Path file, Safetensors.Head head) throws CheckpointException {
    var stored = new LinkedHashMap<String, Stored>();
    for (var tensor : head.tensors().entrySet()) {
      var name = tensor.getKey();
      try {
        var from = Long.parseLong(head.metadata().getOrDefault(FROM + name, "missing"));
        var count = TensorSlice.elements(tensor.getValue().shape());
        var shape = split(head.metadata().getOrDefault(SHAPE + name, "missing"));
        if (from > TensorSlice.elements(shape) - count) {
          throw new CheckpointException(file, "tensor " + name + " is larger than " + shape);
        }
        stored.put(
            name, new Stored(shape, new SliceRange(from, count), tensor.getValue().position()));
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new CheckpointException(file, "tensor " + name + " has no offset or shape", e);
      }
    }
    return stored;
  }

  /**
   * A slice in a file.
   *
   * @param shape of the whole tensor
   * @param range of the slice in it
   * @param position of the first byte in the file
   */
  record Stored(List<Long> shape, SliceRange range, long position) {}

  private static String join(List<Long> shape) {
    return String.join(",", shape.stream().map(String::valueOf).toList());
  }

  private static List<Long> split(String shape) {
    return shape.isEmpty()
        ? List.of()
        : Arrays.stream(shape.split(",")).map(Long::valueOf).toList();
  }
}
