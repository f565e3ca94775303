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

  /**
   * For so long clocks must differ: messages of a time without a network come late, all at once.
   */
  private static final long CERTAIN_MS = 3000;

  private final LongSupplier wall;
  private final LongSupplier nanoTime;
  private boolean heard;
  private long ahead;
  private Long differsSince;
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

  /**
   * A coordinator has just said what time it is; 0 from one that does not say.
   *
   * @return whether the log has been told now that this host's clock differs
   */
  synchronized boolean heard(long millis) {
    if (millis == 0) {
      return false;
    }
    long sample = millis - steady();
    if (!heard || sample > ahead || ahead - sample > LATEST_MS) {
      ahead = sample;
    }
    heard = true;
    long off = wall.getAsLong() - now();
    if (Math.abs(off) < WORTH_A_WORD_MS) {
      differsSince = null;
      told = false;
      return false;
    }
    if (differsSince == null) {
      differsSince = steady();
    }
    if (told || steady() - differsSince < CERTAIN_MS) {
      return false;
    }
    told = true;
    LOG.warn(
        "this host's clock is {} s {} the coordinator's: set one of them. Reports go by the"
            + " coordinator's; certificates and this log by this host's",
        Duration.ofMillis(Math.abs(off)).toSeconds(),
        off > 0 ? "ahead of" : "behind");
    return true;
  }
}
