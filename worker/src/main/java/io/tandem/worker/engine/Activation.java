package io.tandem.worker.engine;

/**
 * A pointwise function that can be fused into {@link ChannelKernels#scaleShift}. Its derivative can
 * be told from its output alone.
 *
 * @param negativeSlope the slope left of zero: 1 is the identity, 0 is ReLU, between is leaky ReLU
 */
public record Activation(double negativeSlope) {
  public static final Activation IDENTITY = new Activation(1);
  public static final Activation RELU = new Activation(0);

  /** Leaky ReLU. */
  public static Activation leaky(double slope) {
    return new Activation(slope);
  }

  public Activation {
    if (!(negativeSlope >= 0 && negativeSlope <= 1)) {
      throw new IllegalArgumentException("negative slope " + negativeSlope + " is not in [0, 1]");
    }
  }
}
