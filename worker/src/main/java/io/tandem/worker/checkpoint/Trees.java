package io.tandem.worker.checkpoint;

import io.tandem.worker.storage.Storage;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Directories whose names are durable, and small files. */
final class Trees {
  private Trees() {}

  /**
   * Creates a directory and those above it that are missing, durably: each new name is forced to
   * the disk. Several may create the same at once. In an object store nothing is to be done.
   *
   * @return the directories that were forced, since a name in them may be new
   */
  static List<Path> create(Path directory) throws IOException {
    var holders = new ArrayList<Path>();
    if (!Storage.renames(directory)) {
      return holders;
    }
    for (var path = directory.toAbsolutePath(); !Files.isDirectory(path); ) {
      path = path.getParent();
      holders.add(path);
    }
    Files.createDirectories(directory);
    for (var holder : holders) {
      force(holder);
    }
    return holders;
  }

  /** Makes the names in a directory durable. */
  static void force(Path directory) throws IOException {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** A small file, read whole; one that is larger is not what it is taken for. */
  static byte[] read(Path file, int mostBytes) throws IOException {
    try (var in = Files.newInputStream(file)) {
      var bytes = in.readNBytes(mostBytes + 1);
      if (bytes.length > mostBytes) {
        throw new IOException("more than " + mostBytes + " bytes");
      }
      return bytes;
    }
  }
}
