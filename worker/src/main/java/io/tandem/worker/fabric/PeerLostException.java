package io.tandem.worker.fabric;

/** A peer was silent past the deadline, gave up, or is gone. */
public final class PeerLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final int rank;
  private final int peer;
  private final long waitedNs;

  /**
   * @param rank who waited
   * @param peer for whom
   * @param waitedNs how long
   * @param message names both ranks, what was awaited and how long
   */
  public PeerLostException(int rank, int peer, long waitedNs, String message) {
    super(message);
    this.rank = rank;
    this.peer = peer;
    this.waitedNs = waitedNs;
  }

  /** Who waited. */
  public int rank() {
    return rank;
  }

  /** Who was lost. */
  public int peer() {
    return peer;
  }

  /** How long what the peer owed was waited for, in nanoseconds. */
  public long waitedNs() {
    return waitedNs;
  }
}
