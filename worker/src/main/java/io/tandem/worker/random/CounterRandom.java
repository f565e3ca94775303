package io.tandem.worker.random;

import java.util.random.RandomGenerator;

/**
 * Random numbers told by a key alone, never by a rank or by what was drawn before elsewhere: the
 * same key gives the same numbers on every mesh shape and after every restart. The generator is
 * SplitMix64 (Steele, Lea and Flood, 2014) whose start is a hash of the key. Not thread-safe; make
 * one a use.
 */
public final class CounterRandom implements RandomGenerator {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;
  private long state;

  private CounterRandom(long state) {
    this.state = state;
  }

  /**
   * The stream of a key.
   *
   * @param purpose what the numbers are for, one of {@link Purpose}
   * @param key for example seed, step, global sample index, layer; order matters
   */
  public static CounterRandom of(Purpose purpose, long... key) {
    long hash = mix(purpose.ordinal() + GAMMA);
    for (long part : key) {
      hash = mix(hash * 31 + mix(part + GAMMA));
    }
    return new CounterRandom(hash);
  }

  /** Separates streams that would else share a key. */
  public enum Purpose {
    WEIGHTS,
    LABELED_SUBSET,
    SHUFFLE,
    WEAK_VIEW,
    STRONG_VIEW,
    PSEUDO_LABEL,
    DROPOUT,
    PICTURES
  }

  @Override
  public long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
