package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric.Operation;
import java.nio.ByteBuffer;

/**
 * Ring algorithms, for large messages. Member i receives from its left neighbour i-1 and sends to
 * its right neighbour i+1.
 *
 * <p><b>Cost</b> for n members and N bytes in all: n-1 steps, N (n-1)/n bytes sent and received by
 * each member, which is the least there can be; additions N (n-1)/n bytes.
 *
 * <p><b>Reduce-scatter.</b> In step s member i sends its partial sum of chunk i-s-1 and receives
 * the one of chunk i-s-2, to which it adds its own part. The sum of chunk c is therefore made in
 * the order c+1, c+2, ..., c, on one member only. After n-1 steps member i holds the whole sum of
 * chunk i.
 *
 * <p><b>All-gather.</b> In step s member i sends chunk i-s and receives chunk i-s-1.
 *
 * <p><b>Segments.</b> Chunks are cut into segments that pass around the ring two at a time, so that
 * one is on the wire while another is added. Item number {@code q = (block, step, lane)} is what a
 * member receives as its q-th message; what it made of item q is its right neighbour's item q+2. It
 * is added as it comes, piece by piece, without being stored first. Receives are begun four items
 * ahead, which is as far as the left neighbour of two can be: what comes before its receive costs a
 * copy more. Six scratch slots are enough: the slot of item q+4 was last sent as item q.
 */
final class Ring {
  /** One on the wire while another is added. */
  private static final int LANES = 2;

  private static final int SLOTS = 3 * LANES;
  private static final int AHEAD = SLOTS - LANES;

  private final Group group;
  private final Scratch scratch;
  private final Reduction reduction;
  private final int smallestSegment;
  private final int largestSegment;

  Ring(Group group, Scratch scratch, Reduction reduction, int smallestSegment, int largestSegment) {
    this.group = group;
    this.scratch = scratch;
    this.reduction = reduction;
    this.smallestSegment = smallestSegment;
    this.largestSegment = largestSegment;
  }

  /** {@code out}, of the size of this member's chunk, may be that chunk of {@code in} itself. */
  void reduceScatter(Chunks in, ByteBuffer out, ElementType type, int tag) {
    int segmentBytes = segmentBytes(in.largest());
    Chunks result = new Chunks(out.slice(), new int[] {0, out.remaining()});
    int items = items(in.largest(), segmentBytes);
    Operation[] sends = new Operation[SLOTS];
    Operation[] receives = new Operation[SLOTS];
    for (int q = 0; q < Math.min(AHEAD, items); q++) {
      receives[q] = receiveSum(tag, in, result, q, segmentBytes, type);
    }
    for (int q = 0; q < LANES; q++) {
      sends[q] = send(tag, ownItem(in, q, segmentBytes));
    }
    for (int q = 0; q < items; q++) {
      group.await(receives[q % SLOTS]);
      int next = q + LANES;
      if (next < items) {
        ByteBuffer item = lastStep(q) ? ownItem(in, next, segmentBytes) : slot(in, q, segmentBytes);
        sends[next % SLOTS] = send(tag, item);
      }
      group.await(sends[q % SLOTS]);
      if (q + AHEAD < items) {
        receives[(q + AHEAD) % SLOTS] = receiveSum(tag, in, result, q + AHEAD, segmentBytes, type);
      }
    }
  }

  /** Item q plus this member's part of it: to the result, or to the slot it is sent on from. */
  private Operation receiveSum(
      int tag, Chunks in, Chunks result, int q, int segmentBytes, ElementType type) {
    ByteBuffer own = in.segment(reducedChunk(q), segment(q), segmentBytes);
    ByteBuffer sum =
        lastStep(q) ? result.segment(0, segment(q), segmentBytes) : slot(in, q, segmentBytes);
    int bytes = own.remaining();
    if (bytes == 0) {
      return null;
    }
    return group.receive(
        left(),
        tag,
        bytes,
        (at, from, index, count) ->
            reduction.sum(
                from.slice(index, count), own.slice(at, count), sum.slice(at, count), type));
  }

  /** This member's chunk is in its place; the others arrive in theirs. */
  void allGather(Chunks chunks, int tag) {
    int segmentBytes = segmentBytes(chunks.largest());
    int items = items(chunks.largest(), segmentBytes);
    Operation[] sends = new Operation[SLOTS];
    Operation[] receives = new Operation[SLOTS];
    for (int q = 0; q < Math.min(SLOTS, items); q++) {
      receives[q] = receive(tag, gatheredItem(chunks, group.index(), q, segmentBytes));
    }
    for (int q = 0; q < LANES; q++) {
      sends[q] = send(tag, gatheredItem(chunks, group.index() + 1, q, segmentBytes));
    }
    for (int q = 0; q < items; q++) {
      group.await(receives[q % SLOTS]);
      if (q + LANES < items) {
        sends[(q + LANES) % SLOTS] =
            send(tag, gatheredItem(chunks, group.index() + 1, q + LANES, segmentBytes));
      }
      group.await(sends[q % SLOTS]);
      if (q + SLOTS < items) {
        receives[q % SLOTS] =
            receive(tag, gatheredItem(chunks, group.index(), q + SLOTS, segmentBytes));
      }
    }
  }

  private int segmentBytes(int chunkBytes) {
    int half = (chunkBytes / LANES + Double.BYTES) & -Double.BYTES;
    return Math.max(smallestSegment, Math.min(half, largestSegment));
  }

  private int items(int chunkBytes, int segmentBytes) {
    int blocks = ceilDiv(ceilDiv(chunkBytes, segmentBytes), LANES);
    return blocks * (group.size() - 1) * LANES;
  }

  private static int ceilDiv(int a, int b) {
    return (int) (((long) a + b - 1) / b);
  }

  private int step(int q) {
    return q / LANES % (group.size() - 1);
  }

  private int segment(int q) {
    return q / (LANES * (group.size() - 1)) * LANES + q % LANES;
  }

  private boolean lastStep(int q) {
    return step(q) == group.size() - 2;
  }

  private int reducedChunk(int q) {
    return group.wrap(group.index() - step(q) - 2);
  }

  private ByteBuffer slot(Chunks in, int q, int segmentBytes) {
    int bytes = in.segment(reducedChunk(q), segment(q), segmentBytes).remaining();
    return scratch.slot(q % SLOTS, segmentBytes).slice(0, bytes);
  }

  /** What starts around the ring here: the right neighbour's item of step 0. */
  private ByteBuffer ownItem(Chunks in, int q, int segmentBytes) {
    return in.segment(group.wrap(group.index() - 1), segment(q), segmentBytes);
  }

  /** Where item q of {@code member} lies. */
  private ByteBuffer gatheredItem(Chunks chunks, int member, int q, int segmentBytes) {
    return chunks.segment(group.wrap(member - step(q) - 1), segment(q), segmentBytes);
  }

  private Operation send(int tag, ByteBuffer data) {
    return data.hasRemaining() ? group.send(group.wrap(group.index() + 1), tag, data) : null;
  }

  private Operation receive(int tag, ByteBuffer into) {
    return into.hasRemaining() ? group.receive(left(), tag, into) : null;
  }

  private int left() {
    return group.wrap(group.index() - 1);
  }
}
