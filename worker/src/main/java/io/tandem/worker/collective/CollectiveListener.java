package io.tandem.worker.collective;

import io.tandem.worker.fabric.Transport;

/** Hears of collectives. Called on the ranks' threads, several at once; must return soon. */
public interface CollectiveListener {
  /** Hears nothing. */
  CollectiveListener NONE = (collective, transport, members, bytes, nanos) -> {};

  /**
   * A member's call has returned.
   *
   * @param transport by which the member's farthest peer is reached
   * @param members of the communicator, at least 2
   * @param bytes of the larger of the call's buffers, in and out; 0 for a barrier
   * @param nanos from call to return, so also what the member waited for the others to call
   */
  void done(Collective collective, Transport transport, int members, long bytes, long nanos);
}
