package io.tandem.worker.engine;

/** Fused updates of flat vectors of equal length. */
public interface OptimizerKernels {
  /**
   * {@code g' = g + weightDecay * w; v = momentum * v + g'; w -= rate * (nesterov ? g' + momentum *
   * v : v)}; g is left as it was or overwritten with g'.
   */
  void momentumStep(
      Tensor w,
      Tensor g,
      Tensor v,
      double rate,
      double momentum,
      boolean nesterov,
      double weightDecay);

  /** {@code average = decay * average + (1 - decay) * w}. */
  void averageStep(Tensor average, Tensor w, double decay);
}
