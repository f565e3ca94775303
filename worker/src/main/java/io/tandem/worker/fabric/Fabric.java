package io.tandem.worker.fabric;

import java.nio.ByteBuffer;

/**
 * Messages between the ranks of one attempt. Each rank has its own instance, used by that rank's
 * one thread. Between two ranks, messages of one tag arrive in the order they were sent; a receive
 * matches the oldest message of its (peer, tag) and must name its exact size.
 *
 * <p>Sends and receives only begin an operation, so that both can be under way at once; {@link
 * #await} completes it. Every wait has the attempt's deadline: past it, or when the peer is known
 * to be gone, {@link PeerLostException} names both ranks and what was awaited.
 */
public interface Fabric extends AutoCloseable {
  /** This rank's index in the mesh. */
  int rank();

  /** Ranks in the mesh. */
  int size();

  /** How that rank is reached. */
  Transport transport(int peer);

  /**
   * Begins sending the remaining bytes of {@code data} (direct or heap; not changed, and not to be
   * written until the operation is complete).
   */
  Operation send(int peer, int tag, ByteBuffer data);

  /** Begins receiving into the remaining bytes of {@code into}. */
  Operation receive(int peer, int tag, ByteBuffer into);

  /**
   * Begins receiving a message of {@code length} bytes that is taken up as it comes rather than
   * stored; the operation is complete when the sink has had all of it.
   */
  Operation receive(int peer, int tag, int length, Sink sink);

  /** Waits until the operation is complete. */
  void await(Operation operation);

  /**
   * Ends all that this rank has under way: when it returns nobody touches the buffers any more. The
   * fabric is then of no further use but to {@link #abort} and to close.
   */
  void cancel();

  /** Tells every peer that this rank gives up, so that they need not wait for the deadline. */
  void abort(String reason);

  @Override
  void close();

  /** Takes up a message piece by piece. */
  interface Sink {
    /** Every piece but the last is a multiple of this, in bytes, so that no number is cut. */
    int ALIGNMENT = Double.BYTES;

    /**
     * Takes the next piece, which has passed all checks. Called by any thread, one at a time for
     * each message, and only while the receive is awaited; must neither wait nor throw.
     *
     * @param at where in the message it begins
     * @param from holds it from {@code fromIndex}; not to be kept or changed
     */
    void accept(int at, ByteBuffer from, int fromIndex, int count);
  }

  /** A send or a receive under way. */
  interface Operation {
    /** Whether it is complete. */
    boolean done();
  }
}
