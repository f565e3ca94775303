package io.tandem.worker.fabric;

import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Member;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import javax.crypto.SecretKey;

/**
 * The way to one other worker: its publication, and what waits to be sent there, in order. What
 * Aeron refuses for the time being is tried again later, and holds nobody else up. Owned by the
 * {@link FramePump}.
 */
final class PeerLink {
  /** Frames sent to one peer before it is the next one's turn. */
  private static final int BURST = 8;

  /**
   * Over UDP, a receiver sees that a frame was lost when another comes after it. So that what was
   * sent last does not wait for Aeron's heartbeat of 100 ms, hellos follow it: the first after 2
   * ms, each twice as late as the one before.
   */
  private static final long FIRST_FOLLOWER_NS = TimeUnit.MILLISECONDS.toNanos(2);

  private static final int FOLLOWERS = 5;

  /** A frame about the attempt itself. */
  private record Notice(Frame.Kind kind, int source, byte[] payload) {}

  final String workerId;
  final Set<Integer> ranks = new TreeSet<>();
  final String address;
  final Transport transport;

  /** When something last came from there, or 0. */
  long heardNs;

  /** It has said goodbye: nothing more will come. */
  boolean left;

  /** It has read everything we sent. */
  boolean farewell;

  /** Offers that Aeron refused for the time being. */
  long backPressured;

  /** When data was last sent there, and how many hellos have followed it. */
  private long sentNs;

  private int followers = FOLLOWERS;

  private final ExclusivePublication publication;
  private final int overhead;
  private final int mostPayload;
  private final Identity identity;
  private final FrameCounts counts;

  /** Seals what goes there, or null where frames are not encrypted. */
  private final FrameCipher sealer;

  /** Opens what comes from there, or null. */
  final FrameCipher opener;

  private final BufferClaim claim = new BufferClaim();
  private final Frame frame = new Frame();
  private final Queue<Notice> notices = new ArrayDeque<>();
  private final Queue<Outgoing> outgoing = new ArrayDeque<>();

  /** Who sends: the fields that all frames of a worker share. */
  record Identity(int job, int attempt, int firstRank) {}

  private record Outgoing(Transfer transfer, long sequence) {}

  PeerLink(
      Member peer,
      Transport transport,
      ExclusivePublication publication,
      Identity identity,
      FrameCounts counts,
      SecretKey frameKey) {
    boolean encrypted = frameKey != null;
    this.sealer = encrypted ? new FrameCipher(frameKey, identity.firstRank(), peer.rank()) : null;
    this.opener = encrypted ? new FrameCipher(frameKey, peer.rank(), identity.firstRank()) : null;
    this.overhead = encrypted ? FrameCipher.OVERHEAD : 0;
    this.workerId = peer.workerId();
    this.address = transport == Transport.IPC ? "aeron:ipc" : peer.host() + ":" + peer.port();
    this.transport = transport;
    this.publication = publication;
    this.mostPayload =
        publication.maxPayloadLength() - Frame.HEADER_LENGTH - overhead & -Fabric.Sink.ALIGNMENT;
    this.identity = identity;
    this.counts = counts;
  }

  boolean connected() {
    return publication.isConnected() && heardNs != 0;
  }

  /** Names the publication among the driver's counters. */
  long registration() {
    return publication.registrationId();
  }

  boolean reachable() {
    return publication.isConnected();
  }

  boolean idle() {
    return outgoing.isEmpty() && notices.isEmpty();
  }

  void send(Transfer transfer, long sequence) {
    outgoing.add(new Outgoing(transfer, sequence));
  }

  void notice(Frame.Kind kind, int source, byte[] payload) {
    notices.add(new Notice(kind, source, payload));
  }

  /** Says hello, unless something waits to be sent, which says as much. */
  void hello() {
    if (notices.isEmpty()) {
      notice(Frame.Kind.HELLO, identity.firstRank(), new byte[0]);
    }
  }

  /** Sends what can be sent now, by {@link System#nanoTime}; the number of frames. */
  int work(long nowNs) {
    int sent = 0;
    while (sent < BURST && !outgoing.isEmpty() && sendPiece()) {
      sent++;
    }
    if (sent > 0) {
      sentNs = nowNs;
      followers = 0;
    } else if (followers < FOLLOWERS && transport == Transport.UDP && isFollowerDue(nowNs)) {
      followers++;
      hello();
    }
    while (!notices.isEmpty() && mayGoNow(notices.peek()) && sendNotice(notices.peek())) {
      notices.remove();
      sent++;
    }
    return sent;
  }

  private boolean isFollowerDue(long nowNs) {
    return outgoing.isEmpty() && nowNs - sentNs >= FIRST_FOLLOWER_NS << followers;
  }

  /** A goodbye says that everything before it was sent; other notices overtake data. */
  private boolean mayGoNow(Notice notice) {
    return notice.kind() != Frame.Kind.GOODBYE || outgoing.isEmpty();
  }

  private boolean sendNotice(Notice notice) {
    if (!claim(notice.payload().length)) {
      return false;
    }
    frame.begin(notice.kind(), identity.job(), identity.attempt(), notice.source());
    frame.bytes().put(Frame.HEADER_LENGTH, notice.payload());
    commit();
    return true;
  }

  private boolean sendPiece() {
    Outgoing next = outgoing.peek();
    Transfer transfer = next.transfer();
    if (!transfer.isPending()) {
      outgoing.remove();
      return true;
    }
    int count = Math.min(transfer.length - transfer.moved, mostPayload);
    if (!claim(count)) {
      return false;
    }
    frame
        .begin(Frame.Kind.DATA, identity.job(), identity.attempt(), transfer.rank)
        .piece(transfer.peer, transfer.tag, next.sequence(), transfer.moved, transfer.length);
    if (!transfer.read(transfer.moved, frame.bytes(), Frame.HEADER_LENGTH, count)) {
      claim.abort();
      outgoing.remove();
      return true;
    }
    commit();
    counts.framesSent.incrementAndGet();
    counts.bytesSent.addAndGet(count);
    transfer.moved += count;
    if (transfer.moved == transfer.length) {
      outgoing.remove();
      transfer.complete();
    }
    return true;
  }

  /** Takes room for a frame in the publication's log and lays the flyweight over it. */
  private boolean claim(int payload) {
    long position = publication.tryClaim(Frame.HEADER_LENGTH + payload + overhead, claim);
    if (position > 0) {
      ByteBuffer log = claim.buffer().byteBuffer();
      int index = claim.buffer().wrapAdjustment() + claim.offset();
      frame.wrap(log, index, Frame.HEADER_LENGTH + payload);
      return true;
    }
    if (position == Publication.BACK_PRESSURED || position == Publication.ADMIN_ACTION) {
      counts.backPressured(transport).incrementAndGet();
      backPressured++;
    } else if (position != Publication.NOT_CONNECTED) {
      throw new IllegalStateException(
          "the publication to " + workerId + " fails: " + Publication.errorString(position));
    }
    return false;
  }

  /** Guards the claimed frame against mistakes or against people, and lets it go. */
  private void commit() {
    if (sealer == null) {
      frame.seal();
    } else {
      ByteBuffer log = claim.buffer().byteBuffer();
      int index = claim.buffer().wrapAdjustment() + claim.offset();
      sealer.seal(log.slice(index, claim.length()));
    }
    claim.commit();
  }

  void lose(String why) {
    outgoing.forEach(next -> next.transfer().lose(why));
    outgoing.clear();
  }
}
