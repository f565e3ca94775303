package io.tandem.coordinator.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Held while a coordinator owns a store; the operating system drops it when the process dies. */
final class StoreLock implements AutoCloseable {
  private final FileChannel channel;
  private final FileLock lock;

  private StoreLock(FileChannel channel, FileLock lock) {
    this.channel = channel;
    this.lock = lock;
  }

  /** Takes the lock or says who holds it. */
  static StoreLock take(Path directory) throws IOException {
    Path file = directory.resolve("store.lock");
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return new StoreLock(channel, lock);
      }
    } catch (OverlappingFileLockException sameProcess) {
      channel.close();
      throw new StoreInUseException(directory, sameProcess);
    }
    channel.close();
    throw new StoreInUseException(directory, null);
  }

  @Override
  public void close() throws IOException {
    lock.release();
    channel.close();
  }
}
