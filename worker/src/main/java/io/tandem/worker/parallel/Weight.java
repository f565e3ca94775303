package io.tandem.worker.parallel;

import io.tandem.worker.engine.Tensor;

/** A whole parameter while its block is gathered, and where its gradient goes. */
public interface Weight {
  /** The gathered values. */
  Tensor value();

  /**
   * Takes this shard's gradient of the whole parameter.
   *
   * @param gradient owned by the callee from now on
   * @param replicated whether every shard has the same (it then counts once), or each a part of a
   *     sum
   */
  void gradient(Tensor gradient, boolean replicated);
}
