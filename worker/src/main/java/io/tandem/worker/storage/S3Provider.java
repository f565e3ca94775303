package io.tandem.worker.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What {@link java.nio.file.Files} can do with objects: look, list, read, write, remove. The rest
 * is refused by {@link UnsupportedOperationException}; nothing is imitated that would not be atomic
 * or would be slow.
 */
public final class S3Provider extends FileSystemProvider {
  private final Supplier<S3FileSystem> opened;

  /** For {@link Path#of(URI)}, by the name in {@code META-INF/services}. */
  public S3Provider() {
    this(Storage::environment);
  }

  S3Provider(Supplier<S3FileSystem> opened) {
    this.opened = opened;
  }

  private S3Store store() {
    return opened.get().store();
  }

  @Override
  public String getScheme() {
    return "s3";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
    throw unsupported("another file system of " + uri);
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return opened.get();
  }

  @Override
  public Path getPath(URI uri) {
    return opened.get().getPath(S3FileSystem.SCHEME + uri.getAuthority() + uri.getPath());
  }

  /** What is written appears when it is forced, and not when the channel is only closed. */
  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) {
    boolean writes = options.contains(StandardOpenOption.WRITE);
    if (writes == options.contains(StandardOpenOption.READ) && !options.isEmpty()) {
      throw unsupported("opening " + path + " with " + options);
    }
    var object = S3Path.of(path);
    return writes ? new S3Writer(store(), object) : new S3Reader(store(), object);
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) {
    if (options.contains(StandardOpenOption.WRITE)) {
      throw unsupported("writing " + path + " otherwise than by a FileChannel that is forced");
    }
    return new S3Reader(store(), S3Path.of(path));
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    var accepted = new ArrayList<Path>();
    for (var child : store().children(S3Path.of(directory))) {
      if (filter.accept(child)) {
        accepted.add(child);
      }
    }
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return accepted.iterator();
      }

      @Override
      public void close() {}
    };
  }

  /** Does nothing: a directory is there as soon as something is in it. */
  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) {}

  @Override
  public void delete(Path path) throws IOException {
    store().delete(S3Path.of(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw unsupported("copying " + source);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) {
    throw unsupported("renaming " + source);
  }

  @Override
  public boolean isSameFile(Path path, Path other) {
    return path.equals(other);
  }

  @Override
  public boolean isHidden(Path path) {
    return false;
  }

  @Override
  public FileStore getFileStore(Path path) {
    throw unsupported("the free space of " + path);
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    readAttributes(path, BasicFileAttributes.class);
  }

  @Override
  public <V extends FileAttributeView> V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return null;
  }

  /**
   * As a listing told them, or newly asked for.
   *
   * @throws UncheckedIOException of a {@link StoreException}: {@link java.nio.file.Files#exists}
   *     and its like take an {@link IOException} for absence, and a store that fails says nothing
   *     of the kind
   */
  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    if (!type.isAssignableFrom(S3Attributes.class)) {
      throw unsupported(type.getSimpleName());
    }
    var object = S3Path.of(path);
    try {
      var known = object.attributes();
      return type.cast(known == null ? store().look(object) : known);
    } catch (StoreException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String names, LinkOption... options) {
    throw unsupported("attributes " + names);
  }

  @Override
  public void setAttribute(Path path, String name, Object value, LinkOption... options) {
    throw unsupported("attribute " + name);
  }

  private static UnsupportedOperationException unsupported(String what) {
    return new UnsupportedOperationException("an object store does not offer " + what);
  }
}
