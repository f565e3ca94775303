package io.tandem.worker.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads a committed checkpoint, for any mesh. Thread-safe: the ranks of a process share one, so
 * that the files are verified once. Closing is up to who opened it.
 */
public final class CheckpointReader implements AutoCloseable {
  private final Path directory;
  private final Manifest manifest;
  private final SliceIndex index;
  private final Map<String, FileChannel> channels = new HashMap<>();

  private CheckpointReader(Path directory, Manifest manifest) {
    this.directory = directory;
    this.manifest = manifest;
    this.index = new SliceIndex(directory);
  }

  /**
   * Opens a checkpoint and verifies the size and the SHA-256 of all its files; blocks for as long
   * as reading them takes.
   *
   * @throws CheckpointException that names the file which is missing, truncated or altered
   */
  public static CheckpointReader open(Path directory) throws CheckpointException {
    var reader = new CheckpointReader(directory, manifest(directory));
    try {
      for (var file : reader.manifest.files().entrySet()) {
        if (!ShardFile.isName(file.getKey())) {
          throw new CheckpointException(
              directory.resolve(Manifest.FILE), "'" + file.getKey() + "' is no name of its files");
        }
        reader.verify(directory.resolve(file.getKey()), file.getValue());
      }
      var tensors = reader.index.whole();
      if (!tensors.equals(reader.manifest.tensors())) {
        throw new CheckpointException(
            directory.resolve(Manifest.FILE), "its tensors are not those of the files");
      }
      return reader;
    } catch (CheckpointException | RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  /** Only the manifest, verified, without looking at the files. */
  public static Manifest manifest(Path directory) throws CheckpointException {
    var file = directory.resolve(Manifest.FILE);
    byte[] json;
    try {
      json = Trees.read(file, Manifest.LONGEST);
    } catch (IOException e) {
      throw new CheckpointException(file, "missing or unreadable", e);
    }
    if (!DigestingFile.sha256(json).equals(ShardFile.readDigest(file))) {
      throw new CheckpointException(file, "altered: its SHA-256 is another");
    }
    return Manifest.parse(file, json);
  }

  public Path directory() {
    return directory;
  }

  public Manifest manifest() {
    return manifest;
  }

  /**
   * Reads elements {@code [from, from + count)} of a flattened tensor, from whatever files hold
   * them, into the buffer at its position, which moves by count.
   *
   * @throws CheckpointException when the tensor is unknown or a file cannot be read any more
   * @throws IllegalArgumentException when the range lies outside the tensor or the buffer is small
   */
  public void readSlice(String tensor, long from, int count, FloatBuffer into)
      throws CheckpointException {
    var info = manifest.tensors().get(tensor);
    if (info == null) {
      throw new CheckpointException(directory, "no tensor " + tensor);
    }
    if (from < 0 || count < 0 || from + count > info.elements() || into.remaining() < count) {
      throw new IllegalArgumentException(
          "%s: elements [%d, %d) of %d into room for %d"
              .formatted(tensor, from, from + count, info.elements(), into.remaining()));
    }
    long next = from;
    long end = from + count;
    for (var part : index.parts(tensor)) {
      long last = Math.min(end, part.range().end());
      if (next >= part.range().from() && next < last) {
        copy(part, next - part.range().from(), last - next, into);
        next = last;
      }
    }
  }

  private void copy(SliceIndex.Part part, long skipped, long count, FloatBuffer into)
      throws CheckpointException {
    var file = directory.resolve(part.file());
    long bytes = count * Safetensors.ELEMENT_BYTES;
    long position = part.stored().position() + skipped * Safetensors.ELEMENT_BYTES;
    var chunk =
        ByteBuffer.allocate((int) Math.min(bytes, DigestingFile.CHUNK_BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (bytes > 0) {
        chunk.clear().limit((int) Math.min(bytes, chunk.capacity()));
        Safetensors.readFully(file, channels.get(part.file()), position, chunk);
        position += chunk.limit();
        bytes -= chunk.limit();
        into.put(chunk.flip().asFloatBuffer());
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read", e);
    }
  }

  private void verify(Path file, Manifest.FileInfo expected) throws CheckpointException {
    try {
      var channel = FileChannel.open(file, StandardOpenOption.READ);
      channels.put(file.getFileName().toString(), channel);
      if (channel.size() != expected.bytes()) {
        throw new CheckpointException(
            file, "%d bytes instead of %d".formatted(channel.size(), expected.bytes()));
      }
      if (!DigestingFile.sha256(channel).equals(expected.sha256())) {
        throw new CheckpointException(file, "altered: its SHA-256 is another");
      }
      index.add(file, Safetensors.read(file, channel));
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException(file, "missing or unreadable", e);
    }
  }

  /** Closes the files; a failure to close a file that was only read harms nobody. */
  @Override
  public void close() throws CheckpointException {
    for (var channel : channels.values()) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new CheckpointException(directory, "cannot be closed", e);
      }
    }
  }
}
