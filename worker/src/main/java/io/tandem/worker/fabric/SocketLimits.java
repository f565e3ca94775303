package io.tandem.worker.fabric;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the kernel grants a socket.
 *
 * @param receiveBytes net.core.rmem_max
 * @param sendBytes net.core.wmem_max
 */
record SocketLimits(int receiveBytes, int sendBytes) {
  private static final int WANTED_BYTES = 4 << 20;

  static SocketLimits ofThisHost() {
    return new SocketLimits(limit("rmem_max"), limit("wmem_max"));
  }

  private static int limit(String name) {
    Path file = Path.of("/proc/sys/net/core", name);
    try {
      // By lines: /proc gives no file size, and on some kernels readString then ends too early.
      return Files.isReadable(file)
          ? (int) Math.min(WANTED_BYTES, Long.parseLong(Files.readAllLines(file).get(0).trim()))
          : WANTED_BYTES;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How much a sender may have on the way to one receiver: half of what its socket holds. */
  int windowBytes() {
    return Math.min(receiveBytes / 2, Channels.TERM_BYTES / 2);
  }
}
