package io.tandem.worker.fabric;

import io.tandem.protocol.frame.Frame;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/**
 * Puts messages together from frames. The n-th receive of a (source, destination, tag) takes the
 * message of sequence n and no other, so that a message of which a frame was lost is missed rather
 * than mistaken for the next. Frames go straight into the receiver's buffer where the receive was
 * begun, else into a buffer of ours. Owned by the {@link FramePump}.
 */
final class Inbox {
  /** What became of a frame. */
  enum Verdict {
    TAKEN,
    /** It must come again later. */
    NO_ROOM,
    /** One before it is missing; dropped. */
    GAP
  }

  private record LaneKey(int source, int destination, int tag) {}

  /** A message that came before its receive. */
  private static final class Arrival {
    final int length;
    final ByteBuffer data;
    int moved;

    Arrival(int length, ByteBuffer data) {
      this.length = length;
      this.data = data;
    }
  }

  private static final class Lane {
    long begun;
    final Map<Long, Transfer> receives = new HashMap<>();
    final Map<Long, Arrival> arrivals = new HashMap<>();
  }

  private final Map<LaneKey, Lane> lanes = new HashMap<>();
  private final Spares spares = new Spares();
  private final FrameCounts counts;
  private final long limitBytes;
  private long bufferedBytes;
  private int waiting;

  Inbox(FrameCounts counts, long limitBytes) {
    this.counts = counts;
    this.limitBytes = limitBytes;
  }

  /** Receives under way. */
  int waiting() {
    return waiting;
  }

  private Lane lane(int source, int destination, int tag) {
    return lanes.computeIfAbsent(new LaneKey(source, destination, tag), key -> new Lane());
  }

  /** Takes up a receive; false where its message, or a part of it, is not here yet. */
  boolean receive(Transfer transfer) {
    Lane lane = lane(transfer.peer, transfer.rank, transfer.tag);
    long sequence = lane.begun++;
    Arrival arrival = lane.arrivals.remove(sequence);
    if (arrival != null) {
      bufferedBytes -= arrival.length;
      if (!fits(transfer, arrival.length)) {
        return true;
      }
      transfer.write(0, arrival.data, 0, arrival.moved);
      transfer.moved = arrival.moved;
      spares.give(arrival.data);
      if (transfer.moved == transfer.length) {
        transfer.complete();
        return true;
      }
    }
    lane.receives.put(sequence, transfer);
    waiting++;
    return false;
  }

  private static boolean fits(Transfer transfer, int sent) {
    if (transfer.length == sent) {
      return true;
    }
    transfer.refuse(
        InProcessFabric.mismatch(
            transfer.peer, transfer.rank, transfer.tag, sent, transfer.length));
    return false;
  }

  /** Takes up a whole frame of data. */
  Verdict onData(Frame frame) {
    Lane lane = lane(frame.source(), frame.destination(), frame.tag());
    Transfer receive = lane.receives.get(frame.sequence());
    if (receive != null) {
      return onAwaited(frame, lane, receive);
    }
    return onUnexpected(frame, lane);
  }

  private Verdict onAwaited(Frame frame, Lane lane, Transfer receive) {
    boolean over;
    if (!fits(receive, frame.messageLength())) {
      over = true;
    } else if (frame.offset() != receive.moved) {
      counts.disordered.incrementAndGet();
      return Verdict.GAP;
    } else {
      boolean written =
          receive.write(frame.offset(), frame.bytes(), Frame.HEADER_LENGTH, frame.payloadLength());
      receive.moved += frame.payloadLength();
      over = !written || receive.moved == receive.length;
    }
    if (over) {
      receive.complete();
      lane.receives.remove(frame.sequence());
      waiting--;
    }
    return Verdict.TAKEN;
  }

  private Verdict onUnexpected(Frame frame, Lane lane) {
    Arrival arrival = lane.arrivals.get(frame.sequence());
    if (arrival == null && frame.offset() == 0 && frame.sequence() >= lane.begun) {
      if (bufferedBytes > 0 && bufferedBytes + frame.messageLength() > limitBytes) {
        counts.bufferStalls.incrementAndGet();
        return Verdict.NO_ROOM;
      }
      arrival = new Arrival(frame.messageLength(), spares.take(frame.messageLength()));
      bufferedBytes += frame.messageLength();
      lane.arrivals.put(frame.sequence(), arrival);
    }
    if (arrival == null || frame.offset() != arrival.moved) {
      counts.disordered.incrementAndGet();
      return frame.sequence() < lane.begun ? Verdict.TAKEN : Verdict.GAP;
    }
    arrival.data.put(frame.offset(), frame.bytes(), Frame.HEADER_LENGTH, frame.payloadLength());
    arrival.moved += frame.payloadLength();
    return Verdict.TAKEN;
  }

  /** Ends every receive from these ranks. */
  void lose(Set<Integer> sources, String why) {
    lanes.forEach(
        (key, lane) -> {
          if (sources.contains(key.source())) {
            for (Iterator<Transfer> all = lane.receives.values().iterator(); all.hasNext(); ) {
              all.next().lose(why);
              all.remove();
              waiting--;
            }
          }
        });
  }
}
