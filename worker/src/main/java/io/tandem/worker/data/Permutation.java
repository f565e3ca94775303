package io.tandem.worker.data;

import io.tandem.worker.random.CounterRandom;

/**
 * A random order of 0..n-1 that is computed place by place: a balanced Feistel network over the
 * next even number of bits, walked until it lands below n (Black and Rogaway, "Ciphers with
 * Arbitrary Finite Domains", 2002). Immutable.
 */
final class Permutation {
  private static final int ROUNDS = 8;
  private final long[] keys = new long[ROUNDS];
  private final int size;
  private final int halfBits;

  Permutation(int size, long... key) {
    this.size = size;
    int bits = Math.max(2, Integer.SIZE - Integer.numberOfLeadingZeros(size - 1));
    this.halfBits = (bits + 1) / 2;
    CounterRandom random = CounterRandom.of(CounterRandom.Purpose.SHUFFLE, key);
    for (int i = 0; i < ROUNDS; i++) {
      keys[i] = random.nextLong();
    }
  }

  /** What stands at that place, both in 0..n-1. */
  int at(int place) {
    long value = place;
    do {
      value = round(value);
    } while (value >= size);
    return (int) value;
  }

  private long round(long value) {
    long mask = (1L << halfBits) - 1;
    long left = value >>> halfBits;
    long right = value & mask;
    for (long key : keys) {
      long hash = (right + key) * 0xBF58476D1CE4E5B9L;
      hash = (hash ^ (hash >>> 29)) * 0x94D049BB133111EBL;
      long next = left ^ ((hash >>> 32) & mask);
      left = right;
      right = next;
    }
    return left << halfBits | right;
  }
}
