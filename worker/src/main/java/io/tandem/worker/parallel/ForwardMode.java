package io.tandem.worker.parallel;

/**
 * How a forward pass treats what differs between training and evaluation.
 *
 * @param batchStatistics batch norm by the batch's statistics (else by the running ones)
 * @param updateRunning whether the running statistics move
 * @param dropout whether features are dropped
 * @param seed of the dropout masks
 * @param step of the dropout masks
 * @param samples global keys of the rows, for the dropout masks; one a row of the whole batch
 */
public record ForwardMode(
    boolean batchStatistics,
    boolean updateRunning,
    boolean dropout,
    long seed,
    long step,
    long[] samples) {
  private static final long[] NONE = {};

  /** Training: batch statistics, moving the running ones, dropout. */
  public static ForwardMode train(long seed, long step, long[] samples) {
    return new ForwardMode(true, true, true, seed, step, samples);
  }

  /** Batch statistics without any side effect or noise: a pure function of weights and images. */
  public static ForwardMode probe() {
    return new ForwardMode(true, false, false, 0, 0, NONE);
  }

  /** Running statistics, no dropout. */
  public static ForwardMode evaluate() {
    return new ForwardMode(false, false, false, 0, 0, NONE);
  }
}
