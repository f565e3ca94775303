package io.tandem.worker.fabric;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks, before an attempt, whether this host can carry its data plane. Each finding says what is
 * there, what is needed and what to set.
 */
public final class Preflight {
  /** A log holds three terms and some bookkeeping. */
  private static final long LOG_BYTES = 3L * Channels.TERM_BYTES + (64 << 10);

  /** Counters, rings and loss reports of a driver. */
  private static final long DRIVER_BYTES = 16L << 20;

  /** Below this, a frame's header and a useful payload no longer fit. */
  private static final int LEAST_MTU = 512;

  private Preflight() {}

  /**
   * What a host offers.
   *
   * @param memoryDirectory where the media driver's files go
   * @param memoryBytes free there
   * @param mtu the smallest MTU that Aeron may use on the links to the peers, in bytes
   * @param receiveBytes the largest receive buffer a socket may have
   * @param sendBytes the largest send buffer a socket may have
   */
  record Host(Path memoryDirectory, long memoryBytes, int mtu, int receiveBytes, int sendBytes) {}

  /**
   * Refuses what this host cannot serve.
   *
   * @param peers other workers of the attempt; none needs nothing
   * @param hosts the peers' addresses that are reached over UDP
   * @param settings of this worker's data plane
   * @throws IllegalStateException names everything that is wanting, and what to set
   */
  public static void check(int peers, List<String> hosts, FabricSettings settings) {
    List<String> findings = findings(peers, !hosts.isEmpty(), thisHost(hosts, settings));
    if (!findings.isEmpty()) {
      throw new IllegalStateException(
          "this host cannot carry the data plane: " + String.join("; ", findings));
    }
  }

  private static Host thisHost(List<String> hosts, FabricSettings settings) {
    Path directory =
        settings.aeronDirectory() == null ? DriverDirectories.parent() : settings.aeronDirectory();
    SocketLimits limits = SocketLimits.ofThisHost();
    try {
      // Only the free space of an external driver's file system is known, not what it has taken.
      Path existing = directory;
      while (!Files.exists(existing)) {
        existing = existing.toAbsolutePath().getParent();
      }
      int mtu = hosts.stream().mapToInt(Channels::mtu).min().orElse(Channels.LARGEST_MTU);
      return new Host(
          directory,
          Files.getFileStore(existing).getUsableSpace(),
          mtu,
          limits.receiveBytes(),
          limits.sendBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell the free space of " + directory, e);
    }
  }

  static List<String> findings(int peers, boolean overUdp, Host host) {
    List<String> findings = new ArrayList<>();
    if (peers == 0) {
      return findings;
    }
    // To each peer a log, and from each peer an image of its log.
    long needed = DRIVER_BYTES + 2L * peers * LOG_BYTES;
    if (host.memoryBytes() < needed) {
      findings.add(
          String.format(
              "%s has %d MiB free, %d peers need %d MiB: enlarge it (docker run --shm-size=%dm; on"
                  + " Kubernetes an emptyDir of medium Memory on /dev/shm; mount -o"
                  + " remount,size=%dm /dev/shm)",
              host.memoryDirectory(),
              host.memoryBytes() >> 20,
              peers,
              mebibytes(needed),
              2 * mebibytes(needed),
              2 * mebibytes(needed)));
    }
    if (overUdp && host.mtu() < LEAST_MTU) {
      findings.add(
          String.format(
              "the link's MTU leaves %d bytes a packet, at least %d are needed: raise it (ip link"
                  + " set dev DEVICE mtu 1500)",
              host.mtu(), LEAST_MTU));
    }
    int packets = 2 * host.mtu();
    if (overUdp && host.receiveBytes() < packets) {
      findings.add(socket("receive", "rmem", host.receiveBytes(), packets));
    }
    if (overUdp && host.sendBytes() < packets) {
      findings.add(socket("send", "wmem", host.sendBytes(), packets));
    }
    return findings;
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }

  private static String socket(String direction, String name, int bytes, int needed) {
    return String.format(
        "sockets may have %d bytes of %s buffer, two packets need %d: sysctl -w"
            + " net.core.%s_max=4194304",
        bytes, direction, needed, name);
  }
}
