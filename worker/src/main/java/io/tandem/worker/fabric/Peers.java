package io.tandem.worker.fabric;

import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The other workers of an attempt, and the way to each. Owned by the {@link FramePump}. */
final class Peers {
  /** Bytes of the words that go with an abort. */
  static final int LONGEST_REASON = 512;

  private final PeerLink.Identity identity;
  private final Inbox inbox;
  private final Map<String, PeerLink> links = new LinkedHashMap<>();
  private final PeerLink[] linkOfRank;

  Peers(
      Roster roster,
      Member self,
      AeronEndpoint endpoint,
      FabricSettings settings,
      FrameCounts counts,
      Inbox inbox) {
    this.identity = new PeerLink.Identity(roster.jobId().hashCode(), roster.attempt(), self.rank());
    this.inbox = inbox;
    this.linkOfRank = new PeerLink[roster.members().size()];
    for (Member member : roster.members()) {
      if (!member.workerId().equals(self.workerId())) {
        PeerLink link =
            links.computeIfAbsent(
                member.workerId(),
                id ->
                    new PeerLink(
                        member,
                        endpoint.transport(member),
                        endpoint.publication(member),
                        identity,
                        counts,
                        settings.frameKey()));
        link.ranks.add(member.rank());
        linkOfRank[member.rank()] = link;
      }
    }
  }

  /** Whose frames this worker sends. */
  PeerLink.Identity identity() {
    return identity;
  }

  Collection<PeerLink> links() {
    return links.values();
  }

  /** The way to that rank, or null: it is this worker's own, or none. */
  PeerLink of(int rank) {
    return rank >= 0 && rank < linkOfRank.length ? linkOfRank[rank] : null;
  }

  /** Whether that is a rank of this worker. */
  boolean isOwn(int rank) {
    return rank >= 0 && rank < linkOfRank.length && linkOfRank[rank] == null;
  }

  /** Ends what is under way with that worker. */
  void lose(PeerLink link, String why) {
    link.lose(why);
    inbox.lose(link.ranks, why);
  }

  /** Ends what is under way with one that has said goodbye. */
  void loseWhoLeft(PeerLink link) {
    lose(link, "worker " + link.workerId + " left the attempt");
  }

  /** Tells all that a rank of this worker gave up. */
  void abort(int rank, String reason) {
    byte[] all = reason.getBytes(StandardCharsets.UTF_8);
    byte[] payload = Arrays.copyOf(all, Math.min(all.length, LONGEST_REASON));
    links.values().forEach(link -> link.notice(Frame.Kind.ABORT, rank, payload));
  }

  void sayGoodbye() {
    links
        .values()
        .forEach(link -> link.notice(Frame.Kind.GOODBYE, identity.firstRank(), new byte[0]));
  }

  /** Whether every one has read our goodbye, or never will. */
  boolean goodbyeHeard() {
    return links.values().stream()
        .allMatch(link -> link.farewell || !link.reachable() || link.left && link.idle());
  }
}
