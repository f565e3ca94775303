package io.tandem.worker.node;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinator's clock as far as a worker knows it, for all that a worker says of when something
 * happened: hosts' clocks differ. This host's own until a coordinator was heard. Thread-safe.
 */
public final class ClusterClock {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterClock.class);

  /** A message that is late tells a time that is past; but a clock may also be set back. */
  private static final long LATEST_MS = 1000;

  private static final long WORTH_A_WORD_MS = 5000;

  private final LongSupplier wall;
  private final LongSupplier nanoTime;
  private boolean heard;
  private long ahead;
  private boolean told;

  /** Of this host. */
  public ClusterClock() {
    this(System::currentTimeMillis, System::nanoTime);
  }

  ClusterClock(LongSupplier wall, LongSupplier nanoTime) {
    this.wall = wall;
    this.nanoTime = nanoTime;
  }

  /** Milliseconds since 1970. */
  public synchronized long now() {
    return heard ? steady() + ahead : wall.getAsLong();
  }

  private long steady() {
    return nanoTime.getAsLong() / 1_000_000;
  }

  /** A coordinator has just said what time it is; 0 from one that does not say. */
  synchronized void heard(long millis) {
    if (millis == 0) {
      return;
    }
    long sample = millis - steady();
    if (!heard || sample > ahead || ahead - sample > LATEST_MS) {
      ahead = sample;
    }
    heard = true;
    long off = wall.getAsLong() - now();
    if (Math.abs(off) < WORTH_A_WORD_MS) {
      told = false;
    } else if (!told) {
      told = true;
      LOG.warn(
          "this host's clock is {} s {} the coordinator's: set one of them. Reports go by the"
              + " coordinator's; certificates and this log by this host's",
          Duration.ofMillis(Math.abs(off)).toSeconds(),
          off > 0 ? "ahead of" : "behind");
    }
  }
}
