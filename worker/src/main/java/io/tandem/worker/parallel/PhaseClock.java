package io.tandem.worker.parallel;

import java.util.EnumMap;
import java.util.Map;

/**
 * Where a rank's time goes. Phases nest: time in an inner phase does not count for the outer one.
 * Used by one rank's thread.
 */
public final class PhaseClock {
  /** The parts of a step. */
  public enum Phase {
    DATA_WAIT,
    FORWARD,
    HALO,
    GATHER,
    BACKWARD,
    REDUCE,
    OPTIMIZER,
    OTHER
  }

  private final Map<Phase, Long> nanos = new EnumMap<>(Phase.class);
  private Phase current = Phase.OTHER;
  private long since = System.nanoTime();

  /** Switches to a phase and returns the one before, for switching back. */
  public Phase enter(Phase phase) {
    long now = System.nanoTime();
    nanos.merge(current, now - since, Long::sum);
    since = now;
    Phase before = current;
    current = phase;
    return before;
  }

  /** Seconds by phase since the last call, and begins anew. */
  public Map<Phase, Double> drainSeconds() {
    enter(current);
    Map<Phase, Double> seconds = new EnumMap<>(Phase.class);
    nanos.forEach((phase, n) -> seconds.put(phase, n / 1e9));
    nanos.clear();
    return seconds;
  }
}
