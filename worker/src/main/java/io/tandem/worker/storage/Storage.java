package io.tandem.worker.storage;

import java.io.IOException;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Paths by the text in which people give them. */
public final class Storage {
  private static S3FileSystem environment;

  private Storage() {}

  /** The one that the environment tells of; its client lives as long as the process. */
  static synchronized S3FileSystem environment() {
    if (environment == null) {
      environment = new S3FileSystem(new S3Store(S3Clients.ofEnvironment()));
    }
    return environment;
  }

  /**
   * A path; nothing is looked at yet.
   *
   * @param location {@code s3://bucket/prefix}, {@code file:///path}, or the path of a file system
   * @throws IllegalArgumentException when it is none of these, or the environment tells of no
   *     object store
   */
  public static Path path(String location) {
    if (location.startsWith(S3FileSystem.SCHEME)) {
      return environment().getPath(location);
    }
    return location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location);
  }

  /** Whether a directory can be renamed there, in one step; otherwise it is an object store. */
  public static boolean renames(Path path) {
    return !(path instanceof S3Path);
  }

  /**
   * Removes a directory with all in it. Links are removed, never followed; what another removes
   * meanwhile, or has removed before, is no error. In an object store, all objects below it in the
   * order of their names.
   *
   * @throws IOException at the first that cannot be removed
   */
  public static void delete(Path directory) throws IOException {
    if (directory instanceof S3Path path) {
      var store = path.getFileSystem().store();
      for (var object : store.all(path)) {
        store.delete(object);
      }
    } else {
      Files.walkFileTree(directory, new Removal());
    }
  }

  private static final class Removal extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
      if (e instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw e;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path visited, IOException e) throws IOException {
      if (e != null) {
        throw e;
      }
      Files.deleteIfExists(visited);
      return FileVisitResult.CONTINUE;
    }
  }
}
