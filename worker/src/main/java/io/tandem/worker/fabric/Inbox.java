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
    GAP,
    /** It contradicts what was said of its message, or asks for more than any message has. */
    NONSENSE
  }

  private record LaneKey(int source, int destination, int tag) {}

  /** Kept for a message that came before its receive, beside its bytes. */
  private static final int ARRIVAL_BYTES = 256;

  /** A message that came before its receive. Its buffer grows with what comes. */
  private static final class Arrival {
    final int length;
    ByteBuffer data;
    int moved;

    Arrival(int length, ByteBuffer data) {
      this.length = length;
      this.data = data;
    }

    long charge() {
      return ARRIVAL_BYTES + (long) length;
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

  /** Takes up a receive; false where its message, or a part of it, is not here yet. */
  boolean receive(Transfer transfer) {
    LaneKey key = new LaneKey(transfer.peer, transfer.rank, transfer.tag);
    Lane lane = lanes.computeIfAbsent(key, any -> new Lane());
    long sequence = lane.begun++;
    Arrival arrival = lane.arrivals.remove(sequence);
    if (arrival != null) {
      bufferedBytes -= arrival.charge();
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

  /** Takes up a whole frame of data. A peer's word alone takes no memory but for what it sends. */
  Verdict onData(Frame frame) {
    if (frame.messageLength() > FabricSettings.LARGEST_MESSAGE || frame.sequence() < 0) {
      return Verdict.NONSENSE;
    }
    LaneKey key = new LaneKey(frame.source(), frame.destination(), frame.tag());
    Lane lane = lanes.get(key);
    Transfer receive = lane == null ? null : lane.receives.get(frame.sequence());
    if (receive != null) {
      return onAwaited(frame, lane, receive);
    }
    Arrival arrival = lane == null ? null : lane.arrivals.get(frame.sequence());
    if (arrival != null) {
      return onBegun(frame, arrival);
    }
    if (lane != null && frame.sequence() < lane.begun) {
      counts.disordered.incrementAndGet();
      return Verdict.TAKEN;
    }
    return onUnexpected(frame, key);
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

  private Verdict onUnexpected(Frame frame, LaneKey key) {
    if (frame.offset() != 0) {
      counts.disordered.incrementAndGet();
      return Verdict.GAP;
    }
    int length = frame.messageLength();
    int first = Math.max(frame.payloadLength(), Math.min(length, Spares.LARGEST));
    if (bufferedBytes > 0 && bufferedBytes + ARRIVAL_BYTES + length > limitBytes) {
      counts.bufferStalls.incrementAndGet();
      return Verdict.NO_ROOM;
    }
    Arrival arrival = new Arrival(length, spares.take(first));
    bufferedBytes += arrival.charge();
    lanes.computeIfAbsent(key, any -> new Lane()).arrivals.put(frame.sequence(), arrival);
    return onBegun(frame, arrival);
  }

  private Verdict onBegun(Frame frame, Arrival arrival) {
    if (frame.messageLength() != arrival.length) {
      return Verdict.NONSENSE;
    }
    if (frame.offset() != arrival.moved) {
      counts.disordered.incrementAndGet();
      return Verdict.GAP;
    }
    int end = arrival.moved + frame.payloadLength();
    if (end > arrival.data.capacity()) {
      int larger = (int) Math.min(arrival.length, Math.max(end, 2L * arrival.data.capacity()));
      ByteBuffer grown = ByteBuffer.allocate(larger);
      grown.put(0, arrival.data, 0, arrival.moved);
      spares.give(arrival.data);
      arrival.data = grown;
    }
    arrival.data.put(frame.offset(), frame.bytes(), Frame.HEADER_LENGTH, frame.payloadLength());
    arrival.moved = end;
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
