package io.tandem.worker.fabric;

/** The way from ranks of this worker to some of their peers. */
interface Route {
  /** Begins moving a transfer's bytes; completes it later, or at once. */
  void begin(Transfer transfer);

  /** Tells the peers on this route that a rank gave up. */
  void abort(int rank, String reason);
}
