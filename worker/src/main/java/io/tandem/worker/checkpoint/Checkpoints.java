package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The checkpoints of one job in one directory. */
public final class Checkpoints {
  /** Written there, then renamed. */
  static final String TEMPORARY = ".tmp-attempt";

  /** Written there to stay, where nothing can be renamed; committed with the manifest. */
  static final String IN_PLACE = ".attempt";

  private static final Pattern NAME =
      Pattern.compile("step-(\\d{8,18})(?:(\\.tmp-attempt|\\.attempt)(\\d{1,18}))?");

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
    return scan(root).stream().filter(Entry::committed).map(Entry::directory).toList();
  }

  /** The committed one of a step. */
  public static Path ofStep(Path root, long step) throws CheckpointException {
    return scan(root).stream()
        .filter(entry -> entry.committed() && entry.step() == step)
        .map(Entry::directory)
        .findFirst()
        .orElseThrow(() -> new CheckpointException(root.resolve(name(step)), "missing"));
  }

  /**
   * Removes, after a commit, what it makes useless: all but the newest {@code keep} up to the
   * committed step; those of later steps, which this attempt refused or never saw, and which would
   * otherwise outrank what it writes; and what attempts before this one left unfinished. Where the
   * attempt is a part of the name, also what an earlier attempt committed of the same step; what a
   * later attempt wrote is left alone.
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
    long last = -1;
    for (var entry : scan(root)) {
      if (!entry.committed()) {
        if (entry.attempt() < attempt) {
          delete(entry.directory());
        }
      } else if (entry.attempt() <= attempt) {
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
   * @param attempt that wrote it, 0 when its name does not tell
   */
  private record Entry(Path directory, long step, long attempt, boolean committed) {}

  /** The newest step first, of one step the latest attempt; other names are passed over. */
  private static List<Entry> scan(Path root) throws CheckpointException {
    var entries = new ArrayList<Entry>();
    try (var all = Files.list(root)) {
      for (var directory : all.toList()) {
        var name = NAME.matcher(directory.getFileName().toString());
        if (name.matches()) {
          boolean committed =
              name.group(2) == null
                  || (name.group(2).equals(IN_PLACE)
                      && Files.exists(directory.resolve(Manifest.FILE)));
          long attempt = name.group(3) == null ? 0 : Long.parseLong(name.group(3));
          entries.add(new Entry(directory, Long.parseLong(name.group(1)), attempt, committed));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (IOException e) {
      throw new CheckpointException(root, "cannot be listed", e);
    } catch (UncheckedIOException e) {
      throw new CheckpointException(root, "cannot be listed", e.getCause());
    }
    entries.sort(
        Comparator.comparingLong(Entry::step).thenComparingLong(Entry::attempt).reversed());
    return entries;
  }

  private static void delete(Path directory) throws CheckpointException {
    try {
      Trees.delete(directory);
    } catch (IOException e) {
      throw new CheckpointException(directory, "cannot be removed", e);
    }
  }
}
