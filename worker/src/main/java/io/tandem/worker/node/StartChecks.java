package io.tandem.worker.node;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Says at a worker's start what its first attempt would otherwise fail by. */
final class StartChecks {
  private StartChecks() {}

  /** The port is bound for good when an attempt begins. */
  static void dataPort(String host, int port) {
    try (DatagramSocket socket = new DatagramSocket(null)) {
      socket.bind(new InetSocketAddress(host, port));
    } catch (IOException e) {
      throw new IllegalStateException(
          "the data plane cannot use UDP port %d of %s: choose a free port, and an address of this host (%s)"
              .formatted(port, host, e.getMessage()),
          e);
    }
  }

  /** Creates it when missing. */
  static void directory(Path directory) {
    try {
      Files.createDirectories(directory);
      Path probe = directory.resolve("check-" + UUID.randomUUID());
      try (FileChannel file =
          FileChannel.open(probe, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        file.force(true);
      }
      Files.delete(probe);
    } catch (IOException e) {
      throw new IllegalStateException(
          "checkpoints cannot be written to %s: give a directory, or s3://BUCKET/PREFIX, that this worker may write to (%s)"
              .formatted(directory, e),
          e);
    }
  }
}
