package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.Fabric.Operation;
import io.tandem.worker.fabric.Transport;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Collectives made of sends and receives: rings for large messages ({@link Ring}), few steps for
 * small ones ({@link Direct}), chosen alike by all members: by the size and, since a step between
 * threads costs more than a message, by whether all of them are in one process. The order of a sum
 * depends on the size alone.
 *
 * <p>Each kind of collective has a tag of its own, so that members who call different collectives
 * wait for each other in vain rather than mix their data up.
 */
public final class FabricCommunicator implements Communicator {
  /** Tags that a communicator takes, from its {@code tagBase} up. */
  public static final int TAGS = 16;

  private static final int ALL_REDUCE = 0;
  private static final int REDUCE_SCATTER = 1;
  private static final int ALL_GATHER = 2;
  private static final int ALL_TO_ALL = 3;
  private static final int BROADCAST = 4;
  private static final int BARRIER = 5;

  private static final int SMALL_BYTES = 32 << 10;
  private static final int SMALL_IN_PROCESS_BYTES = 4 << 20;
  private static final int SMALLEST_SEGMENT = 16 << 10;

  /**
   * Four of Aeron's frames, so that what one message costs is shared, and little enough that both
   * ends' scratch stays in a second-level cache.
   */
  private static final int LARGEST_SEGMENT = 256 << 10;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final Group group;
  private final int tagBase;
  private final int smallBytes;
  private final int directBytes;
  private final Direct direct;
  private final Ring ring;

  /**
   * @param fabric this rank's; used by the thread that calls the collectives
   * @param members distinct ranks, in the communicator's order, this rank among them
   * @param tagBase the first of {@link #TAGS} tags which no one else uses between these ranks
   */
  public FabricCommunicator(Fabric fabric, int[] members, int tagBase) {
    this(
        fabric,
        members,
        tagBase,
        SMALL_BYTES,
        SMALL_IN_PROCESS_BYTES,
        SMALLEST_SEGMENT,
        LARGEST_SEGMENT);
  }

  /** For tests: sizes at which the algorithms change. */
  FabricCommunicator(
      Fabric fabric,
      int[] members,
      int tagBase,
      int smallBytes,
      int smallInProcessBytes,
      int smallestSegment,
      int largestSegment) {
    List<Integer> ranks = Arrays.stream(members).boxed().toList();
    int index = ranks.indexOf(fabric.rank());
    if (index < 0 || ranks.stream().distinct().count() < ranks.size()) {
      throw new IllegalArgumentException(
          "members " + ranks + " must be distinct and hold rank " + fabric.rank());
    }
    this.group = new Group(fabric, members.clone(), index);
    this.tagBase = tagBase;
    this.smallBytes = smallBytes;
    this.directBytes = allInProcess() ? Math.max(smallBytes, smallInProcessBytes) : smallBytes;
    Scratch scratch = new Scratch();
    Reduction reduction = new Reduction();
    this.direct = new Direct(group, scratch, reduction);
    this.ring = new Ring(group, scratch, reduction, smallestSegment, largestSegment);
  }

  @Override
  public int index() {
    return group.index();
  }

  @Override
  public int size() {
    return group.size();
  }

  /** All members find the same: those of one process see only each other this near. */
  private boolean allInProcess() {
    return farthest() == Transport.IN_PROCESS;
  }

  /** How the member that is farthest from this one is reached. */
  Transport farthest() {
    Transport farthest = Transport.IN_PROCESS;
    for (int member = 0; member < size(); member++) {
      if (member != index()) {
        Transport way = group.fabric().transport(group.members()[member]);
        farthest = way.compareTo(farthest) > 0 ? way : farthest;
      }
    }
    return farthest;
  }

  @Override
  public void allReduce(ByteBuffer data, ElementType type) {
    requireWholeElements(data, type);
    if (size() == 1 || !data.hasRemaining()) {
      return;
    }
    if (data.remaining() <= smallBytes) {
      direct.allReduce(data.slice(), type, tagBase + ALL_REDUCE);
      return;
    }
    Chunks chunks = Chunks.split(data, size(), type.bytes());
    scatter(data, chunks, chunks.chunk(index()), type, tagBase + ALL_REDUCE);
    gather(data, chunks, tagBase + ALL_REDUCE);
  }

  @Override
  public void reduceScatter(ByteBuffer in, ByteBuffer out, ElementType type) {
    requireWholeElements(out, type);
    requireChunks("reduceScatter", "in", in, "out", out);
    if (size() == 1) {
      copy(in, out);
      return;
    }
    if (!in.hasRemaining()) {
      return;
    }
    Chunks chunks = Chunks.split(in, size(), type.bytes());
    scatter(in, chunks, out.slice(), type, tagBase + REDUCE_SCATTER);
  }

  private void scatter(ByteBuffer in, Chunks chunks, ByteBuffer out, ElementType type, int tag) {
    if (in.remaining() <= smallBytes) {
      direct.reduceScatter(chunks, out, type, tag, 0);
    } else if (in.remaining() <= directBytes) {
      direct.reduceScatter(chunks, out, type, tag, index() + 1); // the ring's order
    } else {
      ring.reduceScatter(chunks, out, type, tag);
    }
  }

  @Override
  public void allGather(ByteBuffer in, ByteBuffer out) {
    requireChunks("allGather", "out", out, "in", in);
    Chunks chunks = Chunks.split(out, size(), 1);
    copy(in, chunks.chunk(index()));
    if (size() == 1 || !out.hasRemaining()) {
      return;
    }
    gather(out, chunks, tagBase + ALL_GATHER);
  }

  private void gather(ByteBuffer out, Chunks chunks, int tag) {
    if (out.remaining() <= directBytes) {
      direct.allGather(chunks, tag);
    } else {
      ring.allGather(chunks, tag);
    }
  }

  /** One step: all messages at once, each member beginning with its right neighbour. */
  @Override
  public Pending beginAllToAll(List<ByteBuffer> out, List<ByteBuffer> in) {
    if (out.size() != size() || in.size() != size()) {
      throw new IllegalArgumentException(
          "allToAll among "
              + size()
              + " members needs a buffer for each: out has "
              + out.size()
              + ", in has "
              + in.size());
    }
    List<Operation> operations = new ArrayList<>();
    for (int hop = 1; hop < size(); hop++) {
      int from = group.wrap(index() - hop);
      if (in.get(from).hasRemaining()) {
        operations.add(group.receive(from, tagBase + ALL_TO_ALL, in.get(from)));
      }
    }
    for (int hop = 1; hop < size(); hop++) {
      int to = group.wrap(index() + hop);
      if (out.get(to).hasRemaining()) {
        operations.add(group.send(to, tagBase + ALL_TO_ALL, out.get(to)));
      }
    }
    copy(out.get(index()), in.get(index()));
    return new Pending() {
      @Override
      public void await() {
        group.awaitAll(operations);
      }

      @Override
      public void cancel() {
        group.fabric().cancel();
      }
    };
  }

  /**
   * A binomial tree, ceil(log2 n) steps: counted from the root, member m receives from m without
   * its lowest bit, and sends to m plus each bit below that one.
   */
  @Override
  public void broadcast(ByteBuffer data, int root) {
    if (root < 0 || root >= size()) {
      throw new IllegalArgumentException("root " + root + " is not in 0.." + (size() - 1));
    }
    if (size() == 1 || !data.hasRemaining()) {
      return;
    }
    int number = group.wrap(index() - root);
    int bit = number == 0 ? Integer.highestOneBit(size() - 1) << 1 : Integer.lowestOneBit(number);
    if (number != 0) {
      int parent = group.wrap(number - bit + root);
      group.await(group.receive(parent, tagBase + BROADCAST, data));
    }
    List<Operation> sends = new ArrayList<>();
    for (bit >>= 1; bit > 0; bit >>= 1) {
      if (number + bit < size()) {
        sends.add(group.send(group.wrap(number + bit + root), tagBase + BROADCAST, data));
      }
    }
    group.awaitAll(sends);
  }

  /** Dissemination, ceil(log2 n) steps: in step k a word goes 2^k members to the right. */
  @Override
  public void barrier() {
    for (int hop = 1; hop < size(); hop <<= 1) {
      Operation receive = group.receive(group.wrap(index() - hop), tagBase + BARRIER, NOTHING);
      group.await(group.send(group.wrap(index() + hop), tagBase + BARRIER, NOTHING));
      group.await(receive);
    }
  }

  private static void copy(ByteBuffer from, ByteBuffer to) {
    if (from.remaining() != to.remaining()) {
      throw new IllegalArgumentException(
          "a member's own part has " + from.remaining() + " bytes, its place " + to.remaining());
    }
    to.put(to.position(), from, from.position(), from.remaining());
  }

  private static void requireWholeElements(ByteBuffer data, ElementType type) {
    if (data.remaining() % type.bytes() != 0) {
      throw new IllegalArgumentException(
          data.remaining() + " bytes are no whole number of " + type + " elements");
    }
  }

  private void requireChunks(
      String call, String wholeName, ByteBuffer whole, String chunkName, ByteBuffer chunk) {
    if (whole.remaining() != (long) chunk.remaining() * size()) {
      throw new IllegalArgumentException(
          String.format(
              "%s: %s has %d bytes, %d members x %d bytes of %s = %d",
              call,
              wholeName,
              whole.remaining(),
              size(),
              chunk.remaining(),
              chunkName,
              (long) chunk.remaining() * size()));
    }
  }
}
