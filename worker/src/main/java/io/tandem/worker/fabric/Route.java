package io.tandem.worker.fabric;

/** The way from ranks of this worker to some of their peers. */
interface Route {
  /** Looks before a waiting rank lets others have its core, where no other thread serves it. */
  int SPINS = 200;

  /** Begins moving a transfer's bytes; completes it later, or at once. */
  void begin(Transfer transfer);

  /**
   * Lends the caller's thread to the route until the transfer has ended, or nothing has happened
   * for so long; from then on the route moves the transfer by itself.
   */
  void help(Transfer transfer, long patienceNs);

  /** How that peer is reached. */
  Transport transport(int peer);

  /** Tells the peers on this route that a rank gave up. */
  void abort(int rank, String reason);
}
