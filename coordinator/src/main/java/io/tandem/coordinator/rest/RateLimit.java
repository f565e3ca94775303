package io.tandem.coordinator.rest;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * A bucket of tokens for each caller: {@code perSecond} calls in the long run, {@code burst} at
 * once. The least recently seen of {@value #MOST} callers is forgotten for a new one. Thread-safe.
 */
final class RateLimit {
  private static final int MOST = 10_000;

  private static final class Bucket {
    double left;
    long filledNs;
  }

  private final double perSecond;
  private final double burst;
  private final LongSupplier clock;
  private final Map<String, Bucket> buckets =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > MOST;
        }
      };

  RateLimit(double perSecond, double burst, LongSupplier clock) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.clock = clock;
  }

  /** Takes a call's token; false where none is left. */
  synchronized boolean allows(String caller) {
    long now = clock.getAsLong();
    Bucket bucket =
        buckets.computeIfAbsent(
            caller,
            key -> {
              Bucket full = new Bucket();
              full.left = burst;
              full.filledNs = now;
              return full;
            });
    bucket.left = Math.min(burst, bucket.left + (now - bucket.filledNs) / 1e9 * perSecond);
    bucket.filledNs = now;
    if (bucket.left < 1) {
      return false;
    }
    bucket.left--;
    return true;
  }
}
