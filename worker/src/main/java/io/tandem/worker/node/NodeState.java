package io.tandem.worker.node;

/** What a worker is doing. */
public enum NodeState {
  /** No attempt. */
  IDLE,
  /** Attempts are connecting and loading. */
  ASSIGNED,
  /** At least one attempt computes. */
  TRAINING,
  /** The worker leaves: attempts end and none begins. */
  DRAINING
}
