package io.tandem.worker.fabric;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** Who has left the attempt, as far as this worker knows; read by all threads. */
final class Departures {
  /** The first rank that gave up: the whole attempt ends with it. */
  record Abort(int rank, String reason) {}

  private final AtomicReference<Abort> abort = new AtomicReference<>();
  private final AtomicReferenceArray<String> departed;

  Departures(int size) {
    departed = new AtomicReferenceArray<>(size);
  }

  void abort(int rank, String reason) {
    abort.compareAndSet(null, new Abort(rank, reason));
  }

  void depart(int rank, String why) {
    departed.compareAndSet(rank, null, why);
  }

  Abort abort() {
    return abort.get();
  }

  /** Why the rank is gone, or null. */
  String departed(int rank) {
    return departed.get(rank);
  }
}
