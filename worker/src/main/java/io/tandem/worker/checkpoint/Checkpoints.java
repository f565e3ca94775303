package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.Storage;
import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The checkpoints of one job in one directory. */
public final class Checkpoints {
  /** Written there, then renamed. */
  static final String TEMPORARY = ".tmp-attempt";

  /** Renamed to that; where nothing can be renamed, written there, to stay. */
  static final String COMMITTED = ".attempt";

  private static final Pattern NAME =
      Pattern.compile("step-(\\d{8,18})(?:(\\.tmp-attempt|\\.attempt)(\\d{1,18}))?");

  private Checkpoints() {}

  /** {@code step-00000100.attempt3}: no other attempt ever writes there. */
  public static String name(long step, int attempt) {
    return name(step) + COMMITTED + attempt;
  }

  /** {@code step-00000100.tmp-attempt3}. */
  static String temporaryName(long step, int attempt) {
    return name(step) + TEMPORARY + attempt;
  }

  private static String name(long step) {
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
   * @throws CheckpointException when a store does not answer for one of them: that one may be whole
   */
  public static Found newestWhole(List<Path> newestFirst) throws CheckpointException {
    var refused = new ArrayList<CheckpointException>();
    for (var directory : newestFirst) {
      try {
        return new Found(Optional.of(CheckpointReader.open(directory)), refused);
      } catch (CheckpointException e) {
        if (StoreException.temporary(e)) {
          throw e;
        }
        refused.add(e);
      }
    }
    return new Found(Optional.empty(), refused);
  }

  /** The committed ones, whole or not, newest first; none when the directory does not exist. */
  public static List<Path> list(Path root) throws CheckpointException {
    return scan(children(root)).stream().filter(Entry::committed).map(Entry::directory).toList();
  }

  /**
   * What an attempt may go on from, newest first: what it was told of, and what lies there besides,
   * which whoever tells may not have heard of when its writer died.
   */
  public static List<Path> candidates(List<Path> told, Path root) throws CheckpointException {
    var all = new LinkedHashSet<>(told);
    all.addAll(list(root));
    return all.stream()
        .sorted(Comparator.comparingLong(Checkpoints::step).reversed()) // stable: told ones first
        .toList();
  }

  private static long step(Path directory) {
    var name = NAME.matcher(directory.getFileName().toString());
    return name.matches() ? Long.parseLong(name.group(1)) : -1;
  }

  /** The committed one of a step, by the latest attempt. */
  public static Path ofStep(Path root, long step) throws CheckpointException {
    return scan(children(root)).stream()
        .filter(entry -> entry.committed() && entry.step() == step)
        .map(Entry::directory)
        .findFirst()
        .orElseThrow(() -> new CheckpointException(root.resolve(name(step)), "missing"));
  }

  /**
   * Removes, after a commit, what it makes useless: all but the newest {@code keep} up to the
   * committed step; those of later steps, which this attempt refused or never saw, and which would
   * otherwise outrank what it writes; what an earlier attempt committed of the same step; and what
   * attempts before this one left unfinished. When a later attempt has begun nothing is removed: it
   * may be reading what this one would take for useless.
   *
   * @param committedStep of the checkpoint just committed, which stays whatever else is there
   * @return the committed ones that were removed
   */
  public static List<Path> prune(Path root, int keep, int attempt, long committedStep)
      throws CheckpointException {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep + ", at least 1");
    }
    var children = children(root);
    if (AttemptFence.latest(children) > attempt) {
      return List.of();
    }
    var useless = new ArrayList<Path>();
    int kept = 0;
    long last = -1;
    for (var entry : scan(children)) {
      if (!entry.committed()) {
        if (entry.attempt() < attempt) {
          delete(entry.directory());
        }
      } else {
        boolean later = entry.step() > committedStep;
        boolean again = entry.step() == last;
        if (later || again || ++kept > keep) {
          delete(entry.directory());
          useless.add(entry.directory());
        } else {
          last = entry.step();
        }
      }
    }
    return List.copyOf(useless);
  }

  /**
   * A directory of a checkpoint.
   *
   * @param attempt that wrote it; 0 when its name does not tell, as in file systems of old
   */
  private record Entry(Path directory, long step, long attempt, boolean committed) {}

  /** The newest step first, of one step the latest attempt; other names are passed over. */
  private static List<Entry> scan(List<Path> children) throws CheckpointException {
    var entries = new ArrayList<Entry>();
    for (var directory : children) {
      var name = NAME.matcher(directory.getFileName().toString());
      if (name.matches()) {
        boolean committed =
            name.group(2) == null || (name.group(2).equals(COMMITTED) && hasManifest(directory));
        long attempt = name.group(3) == null ? 0 : Long.parseLong(name.group(3));
        entries.add(new Entry(directory, Long.parseLong(name.group(1)), attempt, committed));
      }
    }
    entries.sort(
        Comparator.comparingLong(Entry::step).thenComparingLong(Entry::attempt).reversed());
    return entries;
  }

  private static boolean hasManifest(Path directory) throws CheckpointException {
    try {
      return Files.exists(directory.resolve(Manifest.FILE));
    } catch (UncheckedIOException e) {
      throw new CheckpointException(directory, "cannot be looked at", e.getCause());
    }
  }

  /** What is in it; nothing when it does not exist. */
  static List<Path> children(Path root) throws CheckpointException {
    try (var all = Files.list(root)) {
      return all.toList();
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (IOException e) {
      throw new CheckpointException(root, "cannot be listed", e);
    } catch (UncheckedIOException e) {
      throw new CheckpointException(root, "cannot be listed", e.getCause());
    }
  }

  private static void delete(Path directory) throws CheckpointException {
    try {
      Storage.delete(directory);
    } catch (IOException e) {
      throw new CheckpointException(directory, "cannot be removed", e);
    }
  }
}
