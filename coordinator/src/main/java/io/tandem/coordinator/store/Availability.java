package io.tandem.coordinator.store;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Whether the database is there. While it is away one caller at a time, and one a second, finds out
 * whether it still is; all others are told at once, so that they do not pile up. That it is busy is
 * told to who waited for it, and to nobody else. Thread-safe.
 */
final class Availability {
  static final Duration RETRY = Duration.ofSeconds(1);

  private final String place;
  private final LongSupplier nanoTime;
  private final AtomicBoolean probing = new AtomicBoolean();
  private volatile boolean open;
  private volatile StoreUnavailableException outage;
  private volatile long outageNanos;

  Availability(String place, LongSupplier nanoTime) {
    this.place = place;
    this.nanoTime = nanoTime;
  }

  boolean isOpen() {
    return open;
  }

  /** It was reached, and has its tables. */
  void opened() {
    outage = null;
    open = true;
  }

  /** It is away; returns what to tell of it. */
  StoreUnavailableException away(String reason, Throwable cause) {
    outageNanos = nanoTime.getAsLong();
    outage = unavailable("cannot be reached", reason, cause);
    return outage;
  }

  /**
   * Does that, unless the database is away.
   *
   * @throws StoreUnavailableException when it is away or busy
   */
  <T> T call(Supplier<T> work) {
    StoreUnavailableException last = outage;
    if (!open) {
      throw last == null
          ? unavailable("cannot be reached", "it was not reached yet", null)
          : again(last);
    }
    if (last == null) {
      return tried(work);
    }
    if (nanoTime.getAsLong() - outageNanos < RETRY.toNanos()
        || !probing.compareAndSet(false, true)) {
      throw again(last);
    }
    try {
      return tried(work);
    } finally {
      probing.set(false);
    }
  }

  private <T> T tried(Supplier<T> work) {
    try {
      T result = work.get();
      outage = null;
      return result;
    } catch (RuntimeException e) {
      Outages.Trouble trouble = Outages.trouble(e).orElseThrow(() -> e);
      throw trouble.away()
          ? away(trouble.reason(), e)
          : unavailable("is busy", trouble.reason(), e);
    }
  }

  private static StoreUnavailableException again(StoreUnavailableException last) {
    return new StoreUnavailableException(last.getMessage(), last);
  }

  private StoreUnavailableException unavailable(String how, String reason, Throwable cause) {
    return new StoreUnavailableException(
        "the database %s %s: %s".formatted(place, how, reason), cause);
  }
}
