package io.tandem.worker.fabric;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.Header;
import io.tandem.protocol.frame.Frame;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.agrona.DirectBuffer;

/**
 * Takes in what comes: drops and counts what is not this attempt's, hands data to the {@link
 * Inbox}, and gives the attempt up where a part of a message is damaged or missing. Owned by the
 * {@link FramePump}.
 */
final class FrameIntake implements ControlledFragmentHandler {
  private final Peers peers;
  private final PeerLink.Identity identity;
  private final Inbox inbox;
  private final Departures departures;
  private final FrameCounts counts;
  private final boolean encrypted;
  private final Frame frame = new Frame();

  /** The last opened frame, where frames are encrypted. */
  private ByteBuffer plain = ByteBuffer.allocateDirect(0);

  private Throwable thrown;

  FrameIntake(
      Peers peers, Inbox inbox, Departures departures, FrameCounts counts, boolean encrypted) {
    this.peers = peers;
    this.identity = peers.identity();
    this.inbox = inbox;
    this.departures = departures;
    this.counts = counts;
    this.encrypted = encrypted;
  }

  /**
   * Throws what was thrown while a frame was taken in: Aeron would log it and go on without the
   * frame, which ranks then await.
   */
  void rethrow() {
    if (thrown != null) {
      throw new IllegalStateException("a frame cannot be taken: " + thrown, thrown);
    }
  }

  @Override
  public Action onFragment(DirectBuffer buffer, int offset, int length, Header header) {
    try {
      return take(buffer, buffer.wrapAdjustment() + offset, length);
    } catch (RuntimeException | Error e) {
      thrown = e;
      return Action.ABORT;
    }
  }

  private Action take(DirectBuffer buffer, int index, int length) {
    if (encrypted) {
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
    FrameCipher opener = peers.of(frame.source()).opener;
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
    return frame.job() == identity.job()
        && frame.attempt() == identity.attempt()
        && peers.of(frame.source()) != null;
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
            peers.of(frame.source()).transport.label(),
            finding);
    departures.abort(identity.firstRank(), reason);
    peers.abort(identity.firstRank(), reason);
  }

  private Action onWhole() {
    if (!isOurs()) {
      boolean old = frame.job() == identity.job() && frame.attempt() != identity.attempt();
      (old ? counts.otherAttempt : counts.foreign).incrementAndGet();
      return Action.CONTINUE;
    }
    int source = frame.source();
    PeerLink link = peers.of(source);
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
          peers.loseWhoLeft(link);
        }
      }
      case FAREWELL -> link.farewell = true;
      case HELLO -> {}
    }
    return Action.CONTINUE;
  }

  private Action onData() {
    if (!peers.isOwn(frame.destination())) {
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
    byte[] payload = new byte[Math.min(frame.payloadLength(), Peers.LONGEST_REASON)];
    frame.bytes().get(Frame.HEADER_LENGTH, payload);
    return new String(payload, StandardCharsets.UTF_8);
  }
}
