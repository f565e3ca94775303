package io.tandem.worker.storage;

import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The buckets that one client reaches. Thread-safe. */
final class S3FileSystem extends FileSystem {
  static final String SCHEME = "s3://";

  private final S3Store store;
  private final S3Provider provider = new S3Provider(() -> this);

  S3FileSystem(S3Store store) {
    this.store = store;
  }

  S3Store store() {
    return store;
  }

  /** The names between slashes; empty ones count for nothing. */
  static List<String> names(String text) {
    return Stream.of(text.split("/")).filter(name -> !name.isEmpty()).toList();
  }

  @Override
  public S3Path getPath(String first, String... more) {
    var text = String.join("/", Stream.concat(Stream.of(first), Stream.of(more)).toList());
    if (!text.startsWith(SCHEME)) {
      return new S3Path(this, null, names(text), null);
    }
    var names = names(text.substring(SCHEME.length()));
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          "'" + text + "' names no bucket; give " + SCHEME + "BUCKET/PREFIX");
    }
    return new S3Path(this, names.get(0), names.subList(1, names.size()), null);
  }

  @Override
  public FileSystemProvider provider() {
    return provider;
  }

  @Override
  public void close() {
    store.close();
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public String getSeparator() {
    return "/";
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    return List.of();
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    return List.of();
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return Set.of("basic");
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    var matcher = FileSystems.getDefault().getPathMatcher(syntaxAndPattern);
    return path -> matcher.matches(Path.of(path.toString()));
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    throw new UnsupportedOperationException("an object store has no users of files");
  }

  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException("an object store cannot be watched");
  }
}
