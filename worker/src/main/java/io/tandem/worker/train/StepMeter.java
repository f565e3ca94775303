package io.tandem.worker.train;

import io.tandem.worker.parallel.PhaseClock;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToLongFunction;

/** Measures where a rank's time goes, and tells it about once a second. The rank's thread's own. */
final class StepMeter {
  private static final long EVERY_NS = 1_000_000_000;

  private final int rank;
  private final int size;
  private final IntToLongFunction waitedNs;
  private final PhaseClock clock;
  private final AttemptListener listener;
  private final long[] toldNs;
  private final Map<String, Double> untold = new HashMap<>();
  private final Map<String, Double> unreported = new HashMap<>();
  private long beganNs;
  private long waitedBeforeNs;
  private long allStepsNs;
  private long steps;
  private long stepNs;
  private long waitNs;
  private long lastToldNs = System.nanoTime();

  /**
   * @param size ranks in the mesh
   * @param waitedNs by peer, how long this rank has waited for it so far
   */
  StepMeter(
      int rank, int size, IntToLongFunction waitedNs, PhaseClock clock, AttemptListener listener) {
    this.rank = rank;
    this.size = size;
    this.waitedNs = waitedNs;
    this.clock = clock;
    this.listener = listener;
    this.toldNs = new long[size];
  }

  int rank() {
    return rank;
  }

  /** A step begins. */
  void begin() {
    beganNs = System.nanoTime();
    waitedBeforeNs = allWaitedNs();
  }

  /** The step is done. */
  void end() {
    long now = System.nanoTime();
    stepNs += now - beganNs;
    allStepsNs += now - beganNs;
    waitNs += allWaitedNs() - waitedBeforeNs;
    steps++;
    if (now - lastToldNs >= EVERY_NS) {
      tell();
    }
  }

  /** Seconds in steps since this was made. */
  double stepSeconds() {
    return allStepsNs / 1e9;
  }

  /** Seconds by phase since the last call. */
  Map<String, Double> drainPhases() {
    drainClock();
    Map<String, Double> phases = Map.copyOf(unreported);
    unreported.clear();
    return phases;
  }

  /** Tells the listener what it has not heard yet. */
  void tell() {
    drainClock();
    Map<Integer, Double> peers = new HashMap<>();
    for (int peer = 0; peer < size; peer++) {
      long waited = waitedNs.applyAsLong(peer);
      if (waited > toldNs[peer]) {
        peers.put(peer, (waited - toldNs[peer]) / 1e9);
        toldNs[peer] = waited;
      }
    }
    listener.times(new RankTimes(rank, steps, stepNs / 1e9, waitNs / 1e9, untold, peers));
    untold.clear();
    steps = 0;
    stepNs = 0;
    waitNs = 0;
    lastToldNs = System.nanoTime();
  }

  private void drainClock() {
    clock
        .drainSeconds()
        .forEach(
            (phase, seconds) -> {
              String name = phase.name().toLowerCase(Locale.ROOT).replace('_', '-');
              untold.merge(name, seconds, Double::sum);
              unreported.merge(name, seconds, Double::sum);
            });
  }

  private long allWaitedNs() {
    long sum = 0;
    for (int peer = 0; peer < size; peer++) {
      sum += waitedNs.applyAsLong(peer);
    }
    return sum;
  }
}
