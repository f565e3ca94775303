package io.tandem.worker.node;

/**
 * Whether a worker is of use: it is once a coordinator has registered it, also while that one is
 * away, until one refuses it. Thread-safe.
 */
final class Readiness {
  private volatile String obstacle = "no coordinator has registered this worker yet";

  /** Why the worker is of no use, for people; empty when it is. */
  String obstacle() {
    return obstacle;
  }

  void registered() {
    obstacle = "";
  }

  void refused(String reason) {
    obstacle = "the coordinator refuses this worker: " + reason;
  }
}
