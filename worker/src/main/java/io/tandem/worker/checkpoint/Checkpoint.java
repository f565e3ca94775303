package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Makes a checkpoint of the files that the shards wrote. On a file system it is renamed, in an
 * object store its manifest is written last: either way it is there at once, or it is none.
 */
public final class Checkpoint {
  private Checkpoint() {}

  /** Where the shards of this attempt write; created, durably, by the first that asks. */
  public static Path temporary(Path root, long step, int attempt) throws CheckpointException {
    var directory = temporaryOf(root, step, attempt);
    try {
      Trees.create(directory);
      return directory;
    } catch (IOException e) {
      throw new CheckpointException.NotWritten(directory, e);
    }
  }

  /**
   * Removes what shards of this attempt wrote, when not all could: nobody will finish it, and on a
   * full disk its bytes are missed.
   */
  public static void discard(Path root, long step, int attempt) throws CheckpointException {
    var directory = temporaryOf(root, step, attempt);
    try {
      Storage.delete(directory);
    } catch (IOException e) {
      throw new CheckpointException(directory, "cannot be removed", e);
    }
  }

  private static Path temporaryOf(Path root, long step, int attempt) {
    return root.resolve(
        Storage.renames(root)
            ? Checkpoints.temporaryName(step, attempt)
            : Checkpoints.name(step, attempt));
  }

  /**
   * What was committed.
   *
   * @param directory where it lies
   */
  public record Committed(Path directory, Manifest manifest) {}

  /**
   * Commits what all the shards have written, as {@link Checkpoints#name}. On a file system by one
   * atomic rename: a whole one that this attempt has committed already stays and the new one is
   * discarded; a broken one is replaced. In an object store in its place, by the manifest. Call it
   * on one rank, after every shard's {@link ShardFile#write} returned or failed. When it fails,
   * what the shards wrote is removed.
   *
   * @throws CheckpointException.Superseded when a later attempt has begun; nothing is committed
   * @throws CheckpointException.NotWritten when the disk is full or fails; nothing is committed
   * @throws CheckpointException when a shard's file is missing or does not fit the others
   */
  public static Committed commit(Path root, int attempt, Manifest.Facts facts)
      throws CheckpointException {
    var temporary = temporaryOf(root, facts.step(), attempt);
    try {
      return committed(root, temporary, attempt, facts);
    } catch (CheckpointException e) {
      try {
        // Nobody will finish it, and on a full disk its bytes are missed.
        Storage.delete(temporary);
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  private static Committed committed(Path root, Path temporary, int attempt, Manifest.Facts facts)
      throws CheckpointException {
    var directory = root.resolve(Checkpoints.name(facts.step(), attempt));
    var manifest = describe(temporary, facts);
    AttemptFence.check(root, attempt);
    try {
      for (var name : manifest.files().keySet()) {
        Files.delete(ShardFile.digestOf(temporary.resolve(name)));
      }
      var file = temporary.resolve(Manifest.FILE);
      byte[] json = manifest.toJson();
      ShardFile.writeDigest(file, DigestingFile.sha256(json));
      try (var out = new DigestingFile(file)) {
        out.write(ByteBuffer.wrap(json));
        out.finish();
      }
      if (!Storage.renames(temporary)) {
        return new Committed(temporary, manifest);
      }
      Trees.force(temporary);
      if (Files.exists(directory)) {
        if (isWhole(directory)) {
          Storage.delete(temporary);
          return new Committed(directory, CheckpointReader.manifest(directory));
        }
        Storage.delete(directory);
      }
      Files.move(temporary, directory, StandardCopyOption.ATOMIC_MOVE);
      Trees.force(root);
      return new Committed(directory, manifest);
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException.NotWritten(directory, e);
    }
  }

  private static Manifest describe(Path temporary, Manifest.Facts facts)
      throws CheckpointException {
    var index = new SliceIndex(temporary);
    var files = new TreeMap<String, Manifest.FileInfo>();
    for (var file : shardFiles(temporary)) {
      try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
        index.add(file, Safetensors.read(file, channel));
        files.put(
            file.getFileName().toString(),
            new Manifest.FileInfo(channel.size(), ShardFile.readDigest(file)));
      } catch (CheckpointException e) {
        throw e;
      } catch (IOException e) {
        throw new CheckpointException(file, "cannot be read", e);
      }
    }
    if (files.size() != facts.shards()) {
      throw new CheckpointException(
          temporary, "%d shard files of %d".formatted(files.size(), facts.shards()));
    }
    return new Manifest(Manifest.VERSION, facts, index.whole(), files);
  }

  private static List<Path> shardFiles(Path directory) throws CheckpointException {
    var files = new ArrayList<Path>();
    try (var all = Files.newDirectoryStream(directory, "*" + ShardFile.SUFFIX)) {
      all.forEach(files::add);
    } catch (IOException e) {
      throw new CheckpointException(directory, "cannot be listed", e);
    } catch (DirectoryIteratorException e) {
      throw new CheckpointException(directory, "cannot be listed", e.getCause());
    }
    return files;
  }

  private static boolean isWhole(Path directory) {
    try (var reader = CheckpointReader.open(directory)) {
      return reader.manifest() != null;
    } catch (CheckpointException e) {
      return false; // What is not whole is replaced by what is.
    }
  }
}
