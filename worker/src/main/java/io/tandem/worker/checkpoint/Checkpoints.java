package io.tandem.worker.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The checkpoints of one job in one directory. */
public final class Checkpoints {
  static final String TEMPORARY = ".tmp-attempt";
  private static final Pattern COMMITTED = Pattern.compile("step-(\\d{8,18})");
  private static final Pattern LEFTOVER =
      Pattern.compile("step-\\d{8,18}" + Pattern.quote(TEMPORARY) + "(\\d{1,18})");

  private Checkpoints() {}

  /** {@code step-00000100}. */
  public static String name(long step) {
    return "step-%08d".formatted(step);
  }

  /**
   * What was found.
   *
   * @param reader of the newest whole checkpoint, open; empty when there is none
   * @param refused why the newer ones are not used, newest first
   */
  public record Found(Optional<CheckpointReader> reader, List<CheckpointException> refused) {
    public Found {
      refused = List.copyOf(refused);
    }
  }

  /**
   * Opens the first whole one of these directories.
   *
   * @param newestFirst candidates
   */
  public static Found newestWhole(List<Path> newestFirst) {
    var refused = new ArrayList<CheckpointException>();
    for (var directory : newestFirst) {
      try {
        return new Found(Optional.of(CheckpointReader.open(directory)), refused);
      } catch (CheckpointException e) {
        refused.add(e);
      }
    }
    return new Found(Optional.empty(), refused);
  }

  /** The committed ones, whole or not, newest first; none when the directory does not exist. */
  public static List<Path> list(Path root) throws CheckpointException {
    var committed =
        new ArrayList<>(
            children(root).stream()
                .filter(path -> COMMITTED.matcher(path.getFileName().toString()).matches())
                .toList());
    committed.sort(Comparator.comparingLong(Checkpoints::step).reversed());
    return committed;
  }

  /**
   * Removes, after a commit, what it makes useless: all but the newest {@code keep} up to the
   * committed step; those of later steps, which this attempt refused or never saw, and which would
   * otherwise outrank what it writes; and what attempts before this one left unfinished.
   *
   * @param committedStep of the checkpoint just committed, which stays whatever else is there
   * @return the committed ones that were removed
   */
  public static List<Path> prune(Path root, int keep, int attempt, long committedStep)
      throws CheckpointException {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep + ", at least 1");
    }
    var useless = new ArrayList<Path>();
    int kept = 0;
    for (var directory : list(root)) {
      if (step(directory) > committedStep || ++kept > keep) {
        delete(directory);
        useless.add(directory);
      }
    }
    for (var path : children(root)) {
      var leftover = LEFTOVER.matcher(path.getFileName().toString());
      if (leftover.matches() && Long.parseLong(leftover.group(1)) < attempt) {
        delete(path);
      }
    }
    return List.copyOf(useless);
  }

  private static long step(Path directory) {
    return Long.parseLong(directory.getFileName().toString().substring("step-".length()));
  }

  private static List<Path> children(Path root) throws CheckpointException {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try (var all = Files.list(root)) {
      return all.toList();
    } catch (IOException e) {
      throw new CheckpointException(root, "cannot be listed", e);
    }
  }

  private static void delete(Path directory) throws CheckpointException {
    try {
      Trees.delete(directory);
    } catch (IOException e) {
      throw new CheckpointException(directory, "cannot be removed", e);
    }
  }
}
