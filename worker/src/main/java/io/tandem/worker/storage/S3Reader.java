package io.tandem.worker.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;

/**
 * Reads an object by ranges, ahead of who reads on. Whoever jumps about gets what was asked for and
 * little more. Thread-safe; opening asks for nothing yet.
 */
final class S3Reader extends S3Channel {
  /** The least that is asked for: a request costs as long as the transfer of a megabyte or so. */
  private static final int LEAST_BYTES = 64 << 10;

  /** The most that is read ahead. */
  private static final int MOST_BYTES = 8 << 20;

  /** Who skips less than this reads on, as who reads the headers in an archive. */
  private static final int NEAR_BYTES = 1 << 20;

  private byte[] window = {};
  private long windowAt;
  private int ahead = LEAST_BYTES;
  private long size = -1;
  private long position;

  S3Reader(S3Store store, S3Path file) {
    super(store, file);
  }

  @Override
  public synchronized int read(ByteBuffer into) throws IOException {
    int count = read(into, position);
    position += Math.max(0, count);
    return count;
  }

  @Override
  public synchronized int read(ByteBuffer into, long at) throws IOException {
    open();
    if (!into.hasRemaining()) {
      return 0;
    }
    if (size >= 0 && at >= size) {
      return -1;
    }
    if (at < windowAt || at >= windowAt + window.length) {
      fetch(at, into.remaining());
      if (window.length == 0) {
        return -1;
      }
    }
    int from = (int) (at - windowAt);
    int count = Math.min(into.remaining(), window.length - from);
    into.put(window, from, count);
    if (at + count == size) {
      forget(size); // what was read to its end is often kept open, and many are
    }
    return count;
  }

  private void fetch(long at, int wanted) throws IOException {
    long end = windowAt + window.length;
    boolean on = at >= end && at - end < NEAR_BYTES && end > 0;
    ahead = on ? Math.min(2 * Math.max(ahead, window.length), MOST_BYTES) : LEAST_BYTES;
    var range = store.read(file, at, Math.max(wanted, ahead));
    size = range.size();
    window = range.bytes();
    windowAt = at;
  }

  private void forget(long at) {
    window = new byte[0];
    windowAt = at;
  }

  @Override
  public synchronized long position() {
    return position;
  }

  @Override
  public synchronized FileChannel position(long to) {
    position = to;
    return this;
  }

  /** Comes with the first bytes. */
  @Override
  public synchronized long size() throws IOException {
    open();
    if (size < 0) {
      fetch(0, LEAST_BYTES);
    }
    return size;
  }

  /** Nothing was written. */
  @Override
  public void force(boolean metaData) {}

  private void open() throws ClosedChannelException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
  }

  @Override
  protected synchronized void implCloseChannel() {
    forget(0);
  }
}
