package io.tandem.worker.checkpoint;

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

  static final String FILE = "manifest.json";
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public Manifest {
    tensors = Collections.unmodifiableMap(new TreeMap<>(tensors));
    files = Collections.unmodifiableMap(new TreeMap<>(files));
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
      counters = Collections.unmodifiableMap(new TreeMap<>(counters));
      scalars = Collections.unmodifiableMap(new TreeMap<>(scalars));
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
      shape = List.copyOf(shape);
    }

    /** The product of the dims. */
    public long elements() {
      return TensorSlice.elements(shape);
    }
  }

  /** A shard's file. */
  public record FileInfo(long bytes, String sha256) {}

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
