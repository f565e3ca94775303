package io.tandem.worker.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A channel of which readers and writers offer their part; the rest is refused. */
abstract class S3Channel extends FileChannel {
  final S3Store store;
  final S3Path file;

  S3Channel(S3Store store, S3Path file) {
    this.store = store;
    this.file = file;
  }

  private UnsupportedOperationException unsupported() {
    return new UnsupportedOperationException(
        file + ": objects are read, or written once from the beginning");
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    throw unsupported();
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) {
    throw unsupported();
  }

  @Override
  public int read(ByteBuffer into, long at) throws IOException {
    throw unsupported();
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    throw unsupported();
  }

  @Override
  public long write(ByteBuffer[] bytes, int offset, int length) {
    throw unsupported();
  }

  @Override
  public int write(ByteBuffer bytes, long at) {
    throw unsupported();
  }

  @Override
  public FileChannel position(long to) {
    throw unsupported();
  }

  @Override
  public FileChannel truncate(long size) {
    throw unsupported();
  }

  @Override
  public long transferTo(long at, long count, WritableByteChannel target) {
    throw unsupported();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long at, long count) {
    throw unsupported();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long at, long count) {
    throw unsupported();
  }

  @Override
  public FileLock lock(long at, long count, boolean shared) {
    throw unsupported();
  }

  @Override
  public FileLock tryLock(long at, long count, boolean shared) {
    throw unsupported();
  }
}
