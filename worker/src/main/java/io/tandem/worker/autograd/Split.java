package io.tandem.worker.autograd;

/**
 * A whole cut into contiguous parts, one a shard. Used for columns and for images.
 *
 * @param starts where each part begins, and the whole's length last
 */
public record Split(int... starts) {
  /** Parts that differ by at most one: part i of n covers {@code [total*i/n, total*(i+1)/n)}. */
  public static Split even(int total, int parts) {
    int[] starts = new int[parts + 1];
    for (int i = 0; i <= parts; i++) {
      starts[i] = (int) ((long) total * i / parts);
    }
    return new Split(starts);
  }

  /** Every part is a part of a followed by the same part of b. */
  public static Split joined(Split a, Split b) {
    int[] starts = new int[a.starts.length];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = a.starts[i] + b.starts[i];
    }
    return new Split(starts);
  }

  /** Number of parts. */
  public int parts() {
    return starts.length - 1;
  }

  /** Length of the whole. */
  public int total() {
    return starts[starts.length - 1];
  }

  /** Where part i begins. */
  public int start(int i) {
    return starts[i];
  }

  /** Where part i ends (exclusive). */
  public int end(int i) {
    return starts[i + 1];
  }

  /** Length of part i. */
  public int length(int i) {
    return end(i) - start(i);
  }

  /** The shortest part's length. */
  public int shortest() {
    int shortest = Integer.MAX_VALUE;
    for (int i = 0; i < parts(); i++) {
      shortest = Math.min(shortest, length(i));
    }
    return shortest;
  }
}
