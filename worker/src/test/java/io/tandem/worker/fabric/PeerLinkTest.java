package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.tandem.protocol.mesh.Member;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** When what was sent last is followed by hellos, by a clock that the test sets. */
class PeerLinkTest {
  private static final int STREAM = 7;

  /** The milliseconds after a message at which something is sent, of the first half second. */
  private static List<Long> followers(Transport transport) {
    Member peer = new Member(1, "w1", "127.0.0.1", Workers.freePort(), "d1");
    boolean udp = transport == Transport.UDP;
    String to = udp ? Channels.publication(peer.host(), peer.port()) : Channels.ipc();
    String from = udp ? Channels.subscription(peer.host(), peer.port()) : Channels.ipc();
    try (Driver driver = Driver.embedded("link", 1, context -> {});
        Aeron aeron =
            Aeron.connect(new Aeron.Context().aeronDirectoryName(driver.directory().toString()));
        Subscription subscription = aeron.addSubscription(from, STREAM);
        ExclusivePublication publication = aeron.addExclusivePublication(to, STREAM)) {
      Workers.await(() -> publication.isConnected() && subscription.isConnected(), "a connection");
      PeerLink link =
          new PeerLink(
              peer,
              transport,
              publication,
              new PeerLink.Identity(1, 1, 0),
              new FrameCounts(),
              null);
      assertThat(link.work(0)).as("before anything was sent").isZero();
      link.send(Transfer.send(0, 1, 3, ByteBuffer.allocate(100)), 0);
      long sentNs = Long.MAX_VALUE - 1000; // a clock that only grows may pass over
      assertThat(link.work(sentNs)).as("the message").isEqualTo(1);
      List<Long> times = new ArrayList<>();
      for (long ms = 0; ms < 500; ms++) {
        if (link.work(sentNs + TimeUnit.MILLISECONDS.toNanos(ms)) > 0) {
          times.add(ms);
        }
      }
      return times;
    }
  }

  @Test
  void shouldFollowWhatWasSentLastOverUdpByAFewHellosFurtherAndFurtherApart() {
    assertThat(followers(Transport.UDP)).containsExactly(2L, 4L, 8L, 16L, 32L);
  }

  @Test
  void shouldFollowNothingOverIpcWhereNothingIsLost() {
    assertThat(followers(Transport.IPC)).isEmpty();
  }
}
