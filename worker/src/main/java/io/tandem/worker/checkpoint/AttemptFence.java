package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Keeps an attempt that goes on though it was given up (its worker was paused, or cut off) from the
 * checkpoints of the one that took its place. Each leaves a mark when it begins, and bears its
 * number in the names of all that it writes. Between a look at these and what is done upon it an
 * attempt may be paused again: so what a late one does is never more than an addition.
 */
public final class AttemptFence {
  private static final String MARK = "begun.attempt";
  private static final String TEXT = "This attempt has begun: earlier ones commit nothing more.\n";
  private static final Pattern NAME =
      Pattern.compile("(?:begun|step-\\d{8,18})\\.(?:tmp-)?attempt(\\d{1,18})");

  private AttemptFence() {}

  /**
   * Leaves the mark of an attempt, durably, and removes those of earlier ones. Before it reads what
   * it goes on from, so that nobody removes that.
   *
   * @throws CheckpointException.Superseded when a later one has begun
   * @throws CheckpointException.NotWritten when there is no mark now, or an old one is left
   */
  public static void begin(Path root, int attempt) throws CheckpointException {
    check(root, attempt);
    var mark = root.resolve(MARK + attempt);
    try {
      Trees.create(root);
      try (var out = new DigestingFile(mark)) {
        out.write(ByteBuffer.wrap(TEXT.getBytes(StandardCharsets.UTF_8)));
        out.finish();
      }
      if (Storage.renames(root)) {
        Trees.force(root);
      }
      for (var other : Checkpoints.children(root)) {
        var name = other.getFileName().toString();
        if (name.startsWith(MARK) && attempt(name) < attempt) {
          Files.deleteIfExists(other);
        }
      }
    } catch (CheckpointException e) {
      throw e;
    } catch (IOException e) {
      throw new CheckpointException.NotWritten(mark, e);
    }
  }

  /**
   * Throws when a later attempt has begun, or has written anything.
   *
   * @throws CheckpointException.Superseded then; this attempt is over
   */
  static void check(Path root, int attempt) throws CheckpointException {
    long latest = latest(Checkpoints.children(root));
    if (latest > attempt) {
      throw new CheckpointException.Superseded(root, attempt, latest);
    }
  }

  /** The highest attempt that any of these names tells, 0 when none does. */
  static long latest(List<Path> children) {
    return children.stream()
        .mapToLong(child -> attempt(child.getFileName().toString()))
        .max()
        .orElse(0);
  }

  private static long attempt(String name) {
    var matcher = NAME.matcher(name);
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : 0;
  }
}
