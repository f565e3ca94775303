package io.tandem.worker.parallel;

/**
 * A whole cut into contiguous parts that differ by at most one: part i of n covers {@code [total *
 * i / n, total * (i + 1) / n)}. Used for columns and for images.
 *
 * @param total what is cut, at least 0
 * @param parts at least 1
 */
public record Split(int total, int parts) {
  /** Where part i begins. */
  public int start(int i) {
    return (int) ((long) total * i / parts);
  }

  /** Where part i ends (exclusive). */
  public int end(int i) {
    return start(i + 1);
  }

  /** Length of part i. */
  public int length(int i) {
    return end(i) - start(i);
  }

  /** The shortest part's length. */
  public int shortest() {
    return total / parts;
  }
}
