package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Locale;

/** How long something took, each time. Thread-safe. */
final class Latencies {
  private long[] nanos = new long[1024];
  private int size;

  synchronized void add(long elapsedNanos) {
    if (size == nanos.length) {
      nanos = Arrays.copyOf(nanos, 2 * size);
    }
    nanos[size++] = elapsedNanos;
  }

  synchronized int size() {
    return size;
  }

  /**
   * The value that this share of them does not exceed (nearest rank), in milliseconds; NaN of none.
   */
  synchronized double millis(double share) {
    if (size == 0) {
      return Double.NaN;
    }
    long[] sorted = Arrays.copyOf(nanos, size);
    Arrays.sort(sorted);
    int rank = (int) Math.ceil(share * size);
    return sorted[Math.max(1, rank) - 1] / 1e6;
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode().put("count", size());
    if (size() > 0) {
      node.put("p50", millis(0.5)).put("p99", millis(0.99)).put("max", millis(1));
    }
    return node;
  }

  /** For people. */
  @Override
  public String toString() {
    return size() == 0
        ? "none"
        : String.format(
            Locale.ROOT,
            "p50 %.1f ms, p99 %.1f ms, longest %.1f ms (%d)",
            millis(0.5),
            millis(0.99),
            millis(1),
            size());
  }
}
