package io.tandem.worker.checkpoint;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a checkpoint says of itself.
 *
 * @param version of this format
 * @param facts whose it is
 * @param tensors by name
 * @param files by name
 */
public record Manifest(
    int version, Facts facts, Map<String, TensorInfo> tensors, Map<String, FileInfo> files) {
  /** The version that this build writes, and the only one that it reads. */
  public static final int VERSION = 1;

  /** In bytes: thousands of shards and tensors take less. */
  static final int LONGEST = 64 << 20;

  static final String FILE = "manifest.json";
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public Manifest {
    requireNonNull(facts, "facts");
    tensors = copy(tensors, "tensors");
    files = copy(files, "files");
  }

  /**
   * What the trainer knows.
   *
   * @param jobId of the job
   * @param jobName what people call it
   * @param step last whole step
   * @param replicas R of the mesh that wrote it
   * @param shards S of the mesh that wrote it
   * @param counters whole numbers, such as the phase and the data's position
   * @param scalars finite float64, such as the feedback's baseline; read back bit for bit
   */
  public record Facts(
      String jobId,
      String jobName,
      long step,
      int replicas,
      int shards,
      Map<String, Long> counters,
      Map<String, Double> scalars) {
    public Facts {
      requireNonNull(jobId, "jobId");
      requireNonNull(jobName, "jobName");
      if (step < 0 || replicas < 1 || shards < 1) {
        throw new IllegalArgumentException(
            "step " + step + " of a mesh of " + replicas + "x" + shards);
      }
      counters = copy(counters, "counters");
      scalars = copy(scalars, "scalars");
      scalars.forEach(
          (name, value) -> {
            if (!Double.isFinite(value)) {
              throw new IllegalArgumentException("scalar " + name + " is " + value);
            }
          });
    }
  }

  /** A whole tensor. */
  public record TensorInfo(String dtype, List<Long> shape) {
    public TensorInfo {
      requireNonNull(dtype, "dtype");
      shape = List.copyOf(shape);
    }

    /** The product of the dims. */
    public long elements() {
      return TensorSlice.elements(shape);
    }
  }

  /** A shard's file. */
  public record FileInfo(long bytes, String sha256) {
    public FileInfo {
      requireNonNull(sha256, "sha256");
    }
  }

  private static <T> Map<String, T> copy(Map<String, T> map, String name) {
    requireNonNull(map, name);
    map.forEach((key, value) -> requireNonNull(value, () -> name + "." + key));
    return Collections.unmodifiableMap(new TreeMap<>(map));
  }

  byte[] toJson() {
    try {
      return MAPPER.writeValueAsBytes(this);
    } catch (JacksonException e) {
      throw new IllegalStateException(e);
    }
  }

  static Manifest parse(Path file, byte[] json) throws CheckpointException {
    try {
      var tree = MAPPER.readTree(json);
      int version = tree.path("version").asInt();
      if (version != VERSION) {
        throw new CheckpointException(
            file, "format version " + version + ", but this build reads " + VERSION);
      }
      return MAPPER.treeToValue(tree, Manifest.class);
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new CheckpointException(file, "no readable manifest", e);
    }
  }
}
