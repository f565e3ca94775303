package io.tandem.worker.storage;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** {@code s3://bucket/a/b}, or, relative, {@code a/b}. Immutable. */
final class S3Path implements Path {
  private final S3FileSystem system;
  private final String bucket;
  private final List<String> names;
  private final S3Attributes attributes;

  /**
   * A path.
   *
   * @param bucket null for a relative one
   * @param attributes as a listing told them, or null
   */
  S3Path(S3FileSystem system, String bucket, List<String> names, S3Attributes attributes) {
    this.system = system;
    this.bucket = bucket;
    this.names = List.copyOf(names);
    this.attributes = attributes;
  }

  static S3Path of(Path path) {
    if (path instanceof S3Path object) {
      return object;
    }
    throw new ProviderMismatchException(path + " is no path of an object store");
  }

  String bucket() {
    if (bucket == null) {
      throw new IllegalArgumentException("'" + this + "' is in no bucket");
    }
    return bucket;
  }

  /** The object's name in its bucket; empty for the bucket itself. */
  String key() {
    return String.join("/", names);
  }

  /** What the names of all that is in it begin with. */
  String prefix() {
    return names.isEmpty() ? "" : key() + "/";
  }

  /** As a listing told them, or null. */
  S3Attributes attributes() {
    return attributes;
  }

  /** A child with what a listing tells of it. */
  S3Path child(String name, S3Attributes known) {
    var longer = new ArrayList<>(names);
    longer.addAll(S3FileSystem.names(name));
    return new S3Path(system, bucket, longer, known);
  }

  private S3Path relative(List<String> some) {
    return new S3Path(system, null, some, null);
  }

  private S3Path sibling(List<String> some) {
    return new S3Path(system, bucket, some, null);
  }

  @Override
  public S3FileSystem getFileSystem() {
    return system;
  }

  @Override
  public boolean isAbsolute() {
    return bucket != null;
  }

  @Override
  public Path getRoot() {
    return bucket == null ? null : sibling(List.of());
  }

  @Override
  public Path getFileName() {
    return names.isEmpty() ? null : relative(names.subList(names.size() - 1, names.size()));
  }

  @Override
  public Path getParent() {
    boolean none = names.isEmpty() || (bucket == null && names.size() == 1);
    return none ? null : sibling(names.subList(0, names.size() - 1));
  }

  @Override
  public int getNameCount() {
    return names.size();
  }

  @Override
  public Path getName(int index) {
    return subpath(index, index + 1);
  }

  @Override
  public Path subpath(int from, int to) {
    if (from < 0 || from >= to || to > names.size()) {
      throw new IllegalArgumentException("names " + from + " to " + to + " of " + this);
    }
    return relative(names.subList(from, to));
  }

  @Override
  public boolean startsWith(Path other) {
    return other instanceof S3Path path
        && Objects.equals(bucket, path.bucket)
        && path.names.size() <= names.size()
        && names.subList(0, path.names.size()).equals(path.names);
  }

  @Override
  public boolean endsWith(Path other) {
    if (!(other instanceof S3Path path)) {
      return false;
    }
    int skipped = names.size() - path.names.size();
    return path.isAbsolute()
        ? equals(path)
        : skipped >= 0 && names.subList(skipped, names.size()).equals(path.names);
  }

  @Override
  public Path normalize() {
    var kept = new ArrayList<String>();
    for (var name : names) {
      if (name.equals("..") && !kept.isEmpty()) {
        kept.remove(kept.size() - 1);
      } else if (!name.equals(".") && !name.equals("..")) {
        kept.add(name);
      }
    }
    return sibling(kept);
  }

  @Override
  public Path resolve(Path other) {
    var path = of(other);
    if (path.isAbsolute()) {
      return path;
    }
    var longer = new ArrayList<>(names);
    longer.addAll(path.names);
    return sibling(longer);
  }

  @Override
  public Path relativize(Path other) {
    if (!other.startsWith(this)) {
      throw new IllegalArgumentException(other + " is not below " + this);
    }
    return relative(of(other).names.subList(names.size(), of(other).names.size()));
  }

  @Override
  public URI toUri() {
    try {
      return new URI("s3", bucket(), "/" + key(), null);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e); // a bucket and names make one
    }
  }

  @Override
  public Path toAbsolutePath() {
    bucket();
    return this;
  }

  @Override
  public Path toRealPath(LinkOption... options) {
    return toAbsolutePath();
  }

  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    throw new UnsupportedOperationException("an object store cannot be watched");
  }

  @Override
  public int compareTo(Path other) {
    return toString().compareTo(of(other).toString());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof S3Path path
        && system == path.system
        && Objects.equals(bucket, path.bucket)
        && names.equals(path.names);
  }

  @Override
  public int hashCode() {
    return Objects.hash(bucket, names);
  }

  @Override
  public String toString() {
    return bucket == null ? key() : S3FileSystem.SCHEME + bucket + "/" + key();
  }
}
