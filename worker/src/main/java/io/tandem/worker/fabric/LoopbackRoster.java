package io.tandem.worker.fabric;

import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.crypto.spec.SecretKeySpec;

/** Ranks of this host, a worker each, to measure a transport by; each may be in any process. */
public final class LoopbackRoster {
  private static final String HOST = "127.0.0.1";

  private LoopbackRoster() {}

  /** As many UDP ports that nobody has at the moment. */
  public static List<Integer> freePorts(int count) {
    List<DatagramSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new DatagramSocket(0, InetAddress.getByName(HOST)));
      }
      return sockets.stream().map(DatagramSocket::getLocalPort).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("no UDP port is free on " + HOST, e);
    } finally {
      sockets.forEach(DatagramSocket::close);
    }
  }

  /**
   * One rank's fabric; waits for the other ranks.
   *
   * @param ports a rank's each
   * @param aeronDirectory of the media driver that all share, or null for one each
   * @param encrypted whether frames are encrypted, with a key that is no secret
   * @throws PeerLostException where the others do not come
   */
  public static Fabrics open(
      int rank, List<Integer> ports, Path aeronDirectory, boolean encrypted) {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < ports.size(); i++) {
      String driver = aeronDirectory == null ? "driver-" + i : aeronDirectory.toString();
      members.add(new Member(i, "rank-" + i, HOST, ports.get(i), driver));
    }
    Roster roster = new Roster("loopback-" + ports, 1, new Mesh(1, ports.size()), members);
    return Fabrics.open(
        roster,
        "rank-" + rank,
        FabricSettings.of(HOST, ports.get(rank))
            .withAeronDirectory(aeronDirectory)
            .withFrameKey(encrypted ? new SecretKeySpec(new byte[32], "AES") : null));
  }
}
