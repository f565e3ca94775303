package io.tandem.worker.fabric;

import io.aeron.Subscription;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Moves the frames of one attempt: out goes what ranks handed in, what comes in goes to the ranks.
 * It owns the publications, the subscriptions and all that is known of the peers, and is used by
 * one thread at a time, the one that holds {@link AeronTransport}'s turn.
 */
final class FramePump {
  private static final long HELLO_NS = TimeUnit.SECONDS.toNanos(1);
  private static final long FIRST_HELLO_NS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(20);

  /** Looks further apart than this mean that this process itself was held up. */
  private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Few, so that the sender soon hears that there is room again. */
  private static final int FRAGMENTS = 8;

  private record FlowKey(int source, int destination, int tag) {}

  private final AeronEndpoint endpoint;
  private final FabricSettings settings;
  private final Inbox inbox;
  private final Peers peers;
  private final FrameIntake intake;
  private final Map<FlowKey, Long> sequences = new HashMap<>();
  private List<PeerLink> missing;
  private String over;

  private final long helloNs;
  private long nextHelloNs = System.nanoTime();
  private long lookedNs = System.nanoTime();

  FramePump(
      Roster roster,
      Member self,
      AeronEndpoint endpoint,
      FabricSettings settings,
      Departures departures,
      FrameCounts counts) {
    this.endpoint = endpoint;
    this.settings = settings;
    this.inbox = new Inbox(counts, settings.bufferBytes());
    this.peers = new Peers(roster, self, endpoint, settings, counts, inbox);
    this.intake = new FrameIntake(peers, inbox, departures, counts, settings.frameKey() != null);
    // A peer must hear us several times before it would take us for silent.
    this.helloNs = Math.min(HELLO_NS, settings.silence().toNanos() / 4);
    this.missing = List.copyOf(peers.links());
  }

  /** What is counted of each peer. */
  List<FabricCounters.Stream> streams(Map<Long, Long> retransmits) {
    return peers.links().stream()
        .map(
            link ->
                new FabricCounters.Stream(
                    peers.identity().firstRank(),
                    link.ranks.iterator().next(),
                    link.transport,
                    link.backPressured,
                    retransmits.getOrDefault(link.registration(), 0L)))
        .toList();
  }

  Peers peers() {
    return peers;
  }

  /** Peers that have not said hello yet, or cannot be reached yet. */
  List<PeerLink> missing() {
    return missing;
  }

  /** Whether something waits to be sent, or is waited for. */
  boolean busy() {
    return sending() || inbox.waiting() > 0;
  }

  boolean sending() {
    for (PeerLink link : peers.links()) {
      if (!link.idle()) {
        return true;
      }
    }
    return false;
  }

  /** Moves what can be moved now; the number of frames. */
  int work() {
    if (over != null) {
      return 0;
    }
    int work = 0;
    long now = System.nanoTime();
    for (PeerLink link : peers.links()) {
      work += link.work(now);
    }
    for (Subscription subscription : endpoint.subscriptions()) {
      work += subscription.controlledPoll(intake, FRAGMENTS);
    }
    intake.rethrow();
    if (now - nextHelloNs >= 0) {
      peers.links().forEach(PeerLink::hello);
      nextHelloNs = now + (missing.isEmpty() ? helloNs : FIRST_HELLO_NS);
    }
    if (now - lookedNs >= LOOK_NS) {
      look(now);
      lookedNs = now;
    }
    return work;
  }

  private void look(long now) {
    if (!missing.isEmpty()) {
      missing = missing.stream().filter(link -> !link.connected()).toList();
      return;
    }
    for (PeerLink link : peers.links()) {
      if (now - lookedNs > PAUSE_NS) {
        // We could not have heard anything: what was said meanwhile is still to be read.
        link.heardNs += now - lookedNs;
      } else if (!link.left && now - link.heardNs > settings.silence().toNanos()) {
        peers.lose(
            link,
            String.format(
                "nothing was heard from worker %s for %.1f s",
                link.workerId, (now - link.heardNs) / 1e9));
      }
    }
  }

  void take(Transfer transfer) {
    PeerLink link = peers.of(transfer.peer);
    if (transfer.length > FabricSettings.LARGEST_MESSAGE) {
      transfer.refuse(
          String.format(
              "rank %d cannot take part in a message %s: at most %d bytes; send it in parts",
              transfer.rank, transfer, FabricSettings.LARGEST_MESSAGE));
      return;
    }
    if (transfer.isSend) {
      FlowKey flow = new FlowKey(transfer.rank, transfer.peer, transfer.tag);
      link.send(transfer, sequences.merge(flow, 1L, Long::sum) - 1);
    } else {
      inbox.receive(transfer);
    }
    if (over != null) {
      peers.lose(link, over);
    } else if (link.left) {
      peers.loseWhoLeft(link);
    }
  }

  /** Nothing moves any more: ends what is under way, and what comes later as soon as it comes. */
  void end(String why) {
    if (over == null) {
      over = why;
      peers.links().forEach(link -> peers.lose(link, why));
    }
  }
}
