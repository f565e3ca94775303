package io.tandem.worker.node;

import java.time.Duration;

/**
 * How long the coordinator has not been heard, and when that is worth a word: soon at first, then
 * less and less often. Times are those of {@link System#nanoTime}. Not thread-safe: the actor's
 * own.
 */
final class Silence {
  private static final Duration LONGEST_PATIENCE = Duration.ofMinutes(5);

  private final Duration shortest;
  private Duration patience;
  private long heardNanos;
  private long complainedNanos;

  /** {@code shortest} is how long it takes until the first word. */
  Silence(Duration shortest, long nanoTime) {
    this.shortest = shortest;
    heard(nanoTime);
  }

  /** The coordinator has said something. */
  void heard(long nanoTime) {
    heardNanos = nanoTime;
    complainedNanos = nanoTime;
    patience = shortest;
  }

  /** How long it has lasted. */
  Duration length(long nanoTime) {
    return Duration.ofNanos(nanoTime - heardNanos);
  }

  /** Whether it is to be complained of now; the next time is twice as far away. */
  boolean isToBeTold(long nanoTime) {
    if (nanoTime - complainedNanos < patience.toNanos()) {
      return false;
    }
    complainedNanos = nanoTime;
    Duration twice = patience.multipliedBy(2);
    patience = twice.compareTo(LONGEST_PATIENCE) < 0 ? twice : LONGEST_PATIENCE;
    return true;
  }
}
