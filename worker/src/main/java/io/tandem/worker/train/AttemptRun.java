package io.tandem.worker.train;

import io.tandem.protocol.control.StopMode;

/**
 * The local ranks of one attempt, running. Implementations start their threads on creation; the
 * listener's {@code ended} says how it went. Thread-safe.
 */
public interface AttemptRun {
  /** Asks the ranks to end as told; returns at once. A later, harsher mode overrides. */
  void stop(StopMode mode);

  /** The last whole step. */
  long step();

  /** Starts attempts; the composition root hands one to the node. */
  interface Starter {
    /** Starts the local ranks of this plan. */
    AttemptRun start(AttemptPlan plan, AttemptListener listener);
  }
}
