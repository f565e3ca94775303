package io.tandem.worker.fabric;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;

/** Aeron's channel URIs, and the MTU of the link that a host is reached by. */
final class Channels {
  /**
   * Of an UDP log's three terms; a frame of ours is below Aeron's limit of an eighth. Half of it is
   * the most that may be on the way.
   */
  static final int TERM_BYTES = 2 << 20;

  /** Of an IPC log's: so short that what was written is still in a cache when it is read. */
  static final int IPC_TERM_BYTES = 1 << 20;

  /** Aeron's largest; a multiple of its frame alignment. */
  static final int LARGEST_MTU = 65504;

  private static final int IP_UDP_HEADERS = 28;
  private static final int IP6_UDP_HEADERS = 48;
  private static final int FRAME_ALIGNMENT = 32;
  private static final int DISCARD_PORT = 9;

  private Channels() {}

  static String ipc() {
    return "aeron:ipc?term-length=" + IPC_TERM_BYTES + "|mtu=" + LARGEST_MTU;
  }

  static String publication(String host, int port) {
    return "aeron:udp?endpoint="
        + endpoint(host, port)
        + "|term-length="
        + TERM_BYTES
        + "|mtu="
        + mtu(host);
  }

  static String subscription(String host, int port) {
    return "aeron:udp?endpoint=" + endpoint(host, port);
  }

  private static String endpoint(String host, int port) {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  /** The largest Aeron MTU that the link to a host carries unfragmented, in bytes. */
  static int mtu(String host) {
    try {
      InetAddress address = InetAddress.getByName(host);
      if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
        int packet = SocketLimits.ofThisHost().receiveBytes() / 2;
        return Math.min(LARGEST_MTU, packet & -FRAME_ALIGNMENT);
      }
      return mtu(linkMtu(address), address instanceof Inet6Address);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tell the MTU of the link to " + host, e);
    }
  }

  /** The largest Aeron MTU on a link of that MTU. */
  static int mtu(int linkMtu, boolean ip6) {
    int headers = ip6 ? IP6_UDP_HEADERS : IP_UDP_HEADERS;
    return Math.min(LARGEST_MTU, linkMtu - headers & -FRAME_ALIGNMENT);
  }

  /** Of the link that the kernel would send by; nothing is sent. */
  private static int linkMtu(InetAddress address) throws IOException {
    try (DatagramSocket probe = new DatagramSocket()) {
      probe.connect(new InetSocketAddress(address, DISCARD_PORT));
      NetworkInterface link = NetworkInterface.getByInetAddress(probe.getLocalAddress());
      if (link == null) {
        throw new IOException("no link has the address " + probe.getLocalAddress());
      }
      return link.getMTU();
    }
  }
}
