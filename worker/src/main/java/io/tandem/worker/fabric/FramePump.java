package io.tandem.worker.fabric;

import io.aeron.Subscription;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;

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

  private static final int LONGEST_REASON = 512;

  private record FlowKey(int source, int destination, int tag) {}

  private final AeronEndpoint endpoint;
  private final FabricSettings settings;
  private final Departures departures;
  private final FrameCounts counts;
  private final PeerLink.Identity identity;
  private final Inbox inbox;
  private final Map<String, PeerLink> links = new LinkedHashMap<>();
  private final PeerLink[] linkOfRank;
  private final Map<FlowKey, Long> sequences = new HashMap<>();
  private final Frame frame = new Frame();

  /** The last opened frame, where frames are encrypted. */
  private ByteBuffer plain = ByteBuffer.allocateDirect(0);

  private final ControlledFragmentHandler handler = this::onFragment;
  private List<PeerLink> missing;
  private String over;

  /** By what takes a frame in. */
  private Throwable thrown;

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
    this.departures = departures;
    this.counts = counts;
    this.identity = new PeerLink.Identity(roster.jobId().hashCode(), roster.attempt(), self.rank());
    this.inbox = new Inbox(counts, settings.bufferBytes());
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
    // A peer must hear us several times before it would take us for silent.
    this.helloNs = Math.min(HELLO_NS, settings.silence().toNanos() / 4);
    this.missing = List.copyOf(links.values());
  }

  /** What is counted of each peer. */
  List<FabricCounters.Stream> streams(Map<Long, Long> retransmits) {
    return links.values().stream()
        .map(
            link ->
                new FabricCounters.Stream(
                    identity.firstRank(),
                    link.ranks.iterator().next(),
                    link.transport,
                    link.backPressured,
                    retransmits.getOrDefault(link.registration(), 0L)))
        .toList();
  }

  Collection<PeerLink> links() {
    return links.values();
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
    for (PeerLink link : links.values()) {
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
    for (PeerLink link : links.values()) {
      work += link.work(now);
    }
    for (Subscription subscription : endpoint.subscriptions()) {
      work += subscription.controlledPoll(handler, FRAGMENTS);
    }
    if (thrown != null) {
      throw new IllegalStateException("a frame cannot be taken: " + thrown, thrown);
    }
    if (now - nextHelloNs >= 0) {
      links.values().forEach(PeerLink::hello);
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
    for (PeerLink link : links.values()) {
      if (now - lookedNs > PAUSE_NS) {
        // We could not have heard anything: what was said meanwhile is still to be read.
        link.heardNs += now - lookedNs;
      } else if (!link.left && now - link.heardNs > settings.silence().toNanos()) {
        lose(
            link,
            String.format(
                "nothing was heard from worker %s for %.1f s",
                link.workerId, (now - link.heardNs) / 1e9));
      }
    }
  }

  void take(Transfer transfer) {
    PeerLink link = linkOfRank[transfer.peer];
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
      lose(link, over);
    } else if (link.left) {
      lose(link, left(link));
    }
  }

  /** Tells all peers that a rank of this worker gave up. */
  void abort(int rank, String reason) {
    byte[] all = reason.getBytes(StandardCharsets.UTF_8);
    byte[] payload = Arrays.copyOf(all, Math.min(all.length, LONGEST_REASON));
    links.values().forEach(link -> link.notice(Frame.Kind.ABORT, rank, payload));
  }

  /** Nothing moves any more: ends what is under way, and what comes later as soon as it comes. */
  void end(String why) {
    if (over == null) {
      over = why;
      links.values().forEach(link -> lose(link, why));
    }
  }

  void sayGoodbye() {
    links
        .values()
        .forEach(link -> link.notice(Frame.Kind.GOODBYE, identity.firstRank(), new byte[0]));
  }

  /** Whether every peer has read our goodbye, or never will. */
  boolean goodbyeHeard() {
    return links.values().stream()
        .allMatch(link -> link.farewell || !link.reachable() || link.left && link.idle());
  }

  private void lose(PeerLink link, String why) {
    link.lose(why);
    inbox.lose(link.ranks, why);
  }

  private static String left(PeerLink link) {
    return "worker " + link.workerId + " left the attempt";
  }

  /** Aeron would log what is thrown here and go on without the frame, which ranks then await. */
  private Action onFragment(
      DirectBuffer buffer, int offset, int length, io.aeron.logbuffer.Header header) {
    try {
      return take(buffer, buffer.wrapAdjustment() + offset, length);
    } catch (RuntimeException | Error e) {
      thrown = e;
      return Action.ABORT;
    }
  }

  private Action take(DirectBuffer buffer, int index, int length) {
    if (settings.frameKey() != null) {
      return onSealed(buffer.byteBuffer(), index, length);
    }
    frame.wrap(buffer.byteBuffer(), index, length);
    return on(frame.check());
  }

  private Action on(Frame.Condition condition) {
    switch (condition) {
      case TRUNCATED -> counts.truncated.incrementAndGet();
      case CORRUPT -> onCorrupt();
      case FOREIGN -> counts.foreign.incrementAndGet();
      case WHOLE -> {
        return onWhole();
      }
    }
    return Action.CONTINUE;
  }

  /** What does not open is nobody's: dropped, so that no stranger ends an attempt. */
  private Action onSealed(ByteBuffer bytes, int index, int length) {
    int plainLength = length - FrameCipher.OVERHEAD;
    if (plainLength < Frame.HEADER_LENGTH) {
      counts.truncated.incrementAndGet();
      return Action.CONTINUE;
    }
    frame.wrap(bytes, index, plainLength);
    if (frame.checkFields() != Frame.Condition.WHOLE || !isOurs()) {
      return frame.checkFields() == Frame.Condition.CORRUPT
          ? unauthentic()
          : on(frame.checkFields());
    }
    FrameCipher opener = linkOfRank[frame.source()].opener;
    if (plain.capacity() < plainLength) {
      plain = ByteBuffer.allocateDirect(plainLength);
    }
    switch (opener.open(bytes.slice(index, length), plain)) {
      case REFUSED, REPLAYED -> {
        return unauthentic();
      }
      case GAP -> giveUp("came although one before it is missing");
      case OPENED -> {
        frame.wrap(plain, 0, plainLength);
        Action action = onWhole();
        if (action != Action.ABORT) {
          opener.taken();
        }
        return action;
      }
    }
    return Action.CONTINUE;
  }

  private Action unauthentic() {
    counts.unauthentic.incrementAndGet();
    return Action.CONTINUE;
  }

  /**
   * Aeron repairs what a network loses, so a wrong checksum means that memory, a card or the
   * program is at fault. The message it was a part of will never be whole: no use in waiting.
   */
  private void onCorrupt() {
    counts.corrupt.incrementAndGet();
    if (isOurs()) {
      giveUp("had a wrong checksum: memory, a network card or the program is at fault");
    }
  }

  private boolean isOurs() {
    int source = frame.source();
    return frame.job() == identity.job()
        && frame.attempt() == identity.attempt()
        && source >= 0
        && source < linkOfRank.length
        && linkOfRank[source] != null;
  }

  /** Only once: the attempt is over, and more frames like it may follow. */
  private void giveUp(String finding) {
    if (departures.abort() != null) {
      return;
    }
    String reason =
        String.format(
            "a frame from rank %d to rank %d (tag %d, bytes from %d of %d) over %s %s",
            frame.source(),
            frame.destination(),
            frame.tag(),
            frame.offset(),
            frame.messageLength(),
            linkOfRank[frame.source()].transport.label(),
            finding);
    departures.abort(identity.firstRank(), reason);
    abort(identity.firstRank(), reason);
  }

  private Action onWhole() {
    if (!isOurs()) {
      boolean old = frame.job() == identity.job() && frame.attempt() != identity.attempt();
      (old ? counts.otherAttempt : counts.foreign).incrementAndGet();
      return Action.CONTINUE;
    }
    int source = frame.source();
    PeerLink link = linkOfRank[source];
    link.heardNs = System.nanoTime();
    switch (frame.kind()) {
      case DATA -> {
        return onData();
      }
      case ABORT -> departures.abort(source, reason());
      case GOODBYE -> {
        if (!link.left) {
          link.left = true;
          link.notice(Frame.Kind.FAREWELL, identity.firstRank(), new byte[0]);
          lose(link, left(link));
        }
      }
      case FAREWELL -> link.farewell = true;
      case HELLO -> {}
    }
    return Action.CONTINUE;
  }

  private Action onData() {
    int destination = frame.destination();
    boolean mine =
        destination >= 0 && destination < linkOfRank.length && linkOfRank[destination] == null;
    if (!mine) {
      counts.foreign.incrementAndGet();
      return Action.CONTINUE;
    }
    int payload = frame.payloadLength();
    switch (inbox.onData(frame)) {
      case NO_ROOM -> {
        return Action.ABORT;
      }
      case GAP -> giveUp("came although one before it is missing");
      case NONSENSE -> {
        counts.corrupt.incrementAndGet();
        giveUp(
            String.format(
                "contradicts another frame of its message %d, or is of one beyond %d bytes",
                frame.sequence(), FabricSettings.LARGEST_MESSAGE));
      }
      case TAKEN -> {
        counts.framesReceived.incrementAndGet();
        counts.bytesReceived.addAndGet(payload);
      }
    }
    return Action.CONTINUE;
  }

  private String reason() {
    byte[] payload = new byte[Math.min(frame.payloadLength(), LONGEST_REASON)];
    frame.bytes().get(Frame.HEADER_LENGTH, payload);
    return new String(payload, StandardCharsets.UTF_8);
  }
}
