package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One model as one standard safetensors file, for Python and others. */
public final class SafetensorsExport {
  private SafetensorsExport() {}

  /**
   * Writes the whole tensors whose names begin with the prefix, under their names without it. The
   * file appears at once, complete and durable, or not at all, in an object store too; the metadata
   * holds job, step and format.
   *
   * @param out replaced when it exists
   * @param prefix for example {@code student.}
   * @throws CheckpointException when no tensor has the prefix, or a file cannot be read or written
   */
  public static void write(Path out, CheckpointReader reader, String prefix)
      throws CheckpointException {
    var shapes = new TreeMap<String, List<Long>>();
    reader
        .manifest()
        .tensors()
        .forEach(
            (name, info) -> {
              if (name.startsWith(prefix)) {
                shapes.put(name.substring(prefix.length()), info.shape());
              }
            });
    if (shapes.isEmpty()) {
      throw new CheckpointException(reader.directory(), "no tensor begins with " + prefix);
    }
    var facts = reader.manifest().facts();
    var metadata =
        Map.of("format", "pt", "job", facts.jobName(), "step", Long.toString(facts.step()));
    boolean renames = Storage.renames(out);
    var unfinished = renames ? out.resolveSibling(out.getFileName() + ".tmp") : out;
    try (var file = new DigestingFile(unfinished)) {
      file.write(Safetensors.head(shapes, metadata));
      for (var name : shapes.keySet()) {
        copy(reader, prefix + name, file);
      }
      file.finish();
      if (renames) {
        Files.move(
            unfinished, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Trees.force(out.toAbsolutePath().getParent());
      }
    } catch (IOException e) {
      var failure =
          e instanceof CheckpointException known
              ? known
              : new CheckpointException.NotWritten(out, e);
      try {
        if (renames) {
          Files.deleteIfExists(unfinished);
        }
      } catch (IOException again) {
        failure.addSuppressed(again);
      }
      throw failure;
    }
  }

  private static void copy(CheckpointReader reader, String tensor, DigestingFile file)
      throws IOException {
    long count = reader.manifest().tensors().get(tensor).elements();
    var chunk = FloatBuffer.allocate((int) Math.min(count, 1 << 18));
    for (long from = 0; from < count; from += chunk.limit()) {
      chunk.clear().limit((int) Math.min(chunk.capacity(), count - from));
      reader.readSlice(tensor, from, chunk.limit(), chunk);
      file.write(chunk.flip());
    }
  }
}
