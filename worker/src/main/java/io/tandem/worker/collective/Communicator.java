package io.tandem.worker.collective;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Collectives over an ordered set of ranks: one axis of the mesh, or all of it. Every member calls
 * the same collectives in the same order with the same sizes; one thread a rank. Buffers are direct
 * or heap, in native byte order; the remaining bytes count, positions are not changed. A
 * communicator of one member communicates nothing and copies only where in and out differ.
 *
 * <p>Sums are made in an order that depends on the members' indices alone: every member gets the
 * same bits, and so does every run. A silent or dead peer ends any call with {@link
 * io.tandem.worker.fabric.PeerLostException}.
 */
public interface Communicator {
  /** This rank's position among the members. */
  int index();

  /** Number of members. */
  int size();

  /** Every member's data becomes the sum of all. */
  void allReduce(ByteBuffer data, ElementType type);

  /**
   * {@code in} holds {@link #size} chunks of equal size; {@code out} becomes the sum of every
   * member's chunk of this member's index.
   */
  void reduceScatter(ByteBuffer in, ByteBuffer out, ElementType type);

  /** {@code out} becomes all members' {@code in}, in order; all of equal size. */
  void allGather(ByteBuffer in, ByteBuffer out);

  /**
   * Sends {@code out.get(i)} to member i and fills {@code in.get(i)} from member i; sizes may
   * differ and be zero, and agree between the two ends. A member's own part is copied.
   */
  default void allToAll(List<ByteBuffer> out, List<ByteBuffer> in) {
    beginAllToAll(out, in).await();
  }

  /**
   * Begins an {@link #allToAll} that the caller awaits or cancels before it touches or frees the
   * buffers; meanwhile it may compute.
   */
  Pending beginAllToAll(List<ByteBuffer> out, List<ByteBuffer> in);

  /** A collective under way. */
  interface Pending {
    /** Waits until it is complete. */
    void await();

    /** Gives up: nobody touches the buffers any more, and no other collective can follow. */
    void cancel();
  }

  /** The root's data becomes everybody's. */
  void broadcast(ByteBuffer data, int root);

  /** Returns after every member has called it. */
  void barrier();
}
