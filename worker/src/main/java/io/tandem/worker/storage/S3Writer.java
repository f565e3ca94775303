package io.tandem.worker.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes an object: in one request when it is small, else in parts while it is written. It appears
 * when it is forced; when it is closed before, what was sent is given up. For one thread.
 */
final class S3Writer extends S3Channel {
  /** Ten thousand parts are allowed: 80 GB. The store asks for at least 5 MiB. */
  static final int PART_BYTES = 8 << 20;

  private final ByteBuffer part = ByteBuffer.allocate(PART_BYTES);
  private final List<String> tags = new ArrayList<>();
  private String upload;
  private boolean complete;
  private long position;

  S3Writer(S3Store store, S3Path file) {
    super(store, file);
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    if (complete) {
      throw new IOException(file + ": is written already, an object cannot be changed");
    }
    int count = bytes.remaining();
    while (bytes.hasRemaining()) {
      if (!part.hasRemaining()) {
        send();
      }
      int some = Math.min(bytes.remaining(), part.remaining());
      part.put(bytes.slice().limit(some));
      bytes.position(bytes.position() + some);
    }
    position += count;
    return count;
  }

  private void send() throws IOException {
    if (upload == null) {
      upload = store.begin(file);
    }
    tags.add(store.part(file, upload, tags.size() + 1, part.array(), part.position()));
    part.clear();
  }

  @Override
  public void force(boolean metaData) throws IOException {
    if (complete) {
      return;
    }
    if (upload == null) {
      store.put(file, part.array(), part.position());
    } else {
      send(); // a part is sent when the next byte comes: this one is never empty
      store.complete(file, upload, tags);
    }
    complete = true;
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public long size() {
    return position;
  }

  @Override
  protected void implCloseChannel() throws IOException {
    if (upload != null && !complete) {
      store.abort(file, upload);
    }
  }
}
