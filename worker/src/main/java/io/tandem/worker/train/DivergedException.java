package io.tandem.worker.train;

/** A loss or a gradient is not finite; thrown on every rank before the optimizer. */
public final class DivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What a person can do. */
  static final String REMEDY = "lower the learning rates, lengthen the warm-up, or set clipNorm";

  public DivergedException(String message) {
    super(message);
  }

  /** Throws when the value, the same on every rank, is not finite. */
  static double finite(String what, long step, double value) {
    if (!Double.isFinite(value)) {
      throw new DivergedException(what + " is " + value + " at step " + step + "; " + REMEDY);
    }
    return value;
  }
}
