package io.tandem.worker.data;

/**
 * Which samples make up the global batches: a pure function of the seed and the step, the same on
 * every mesh and after every restart. Each of the two streams, labelled and unlabelled, runs
 * through its samples in a new random order each epoch; a batch may reach over the end of an epoch.
 * Thread-safe.
 */
public final class BatchPlan {
  private static final int LABELED = 0;
  private static final int UNLABELED = 1;
  private final long seed;
  private final Phase phase;
  private final int[] labeledSamples;
  private final int trainCount;
  private final int labeledBatch;
  private final int unlabeledBatch;

  /** Separates the draws of a job's phases. */
  public enum Phase {
    MAIN,
    FINE_TUNE
  }

  /**
   * @param seed the job's
   * @param labeledSamples indices of the training images whose labels may be seen
   * @param trainCount how many training images there are; each is an unlabelled sample
   * @param labeledBatch labelled images a step over the whole mesh
   * @param unlabeledBatch unlabelled ones, may be 0
   */
  public BatchPlan(
      long seed,
      Phase phase,
      int[] labeledSamples,
      int trainCount,
      int labeledBatch,
      int unlabeledBatch) {
    if (labeledSamples.length == 0 || trainCount == 0 || labeledBatch < 0 || unlabeledBatch < 0) {
      throw new IllegalArgumentException(
          labeledSamples.length
              + " labelled and "
              + trainCount
              + " training images, batches of "
              + labeledBatch
              + " and "
              + unlabeledBatch);
    }
    this.seed = seed;
    this.phase = phase;
    this.labeledSamples = labeledSamples.clone();
    this.trainCount = trainCount;
    this.labeledBatch = labeledBatch;
    this.unlabeledBatch = unlabeledBatch;
  }

  /** B of the labelled stream, over the whole mesh. */
  public int labeledBatch() {
    return labeledBatch;
  }

  /** B of the unlabelled stream, over the whole mesh. */
  public int unlabeledBatch() {
    return unlabeledBatch;
  }

  /** The job's seed. */
  public long seed() {
    return seed;
  }

  /** The phase of the job that this plans. */
  public Phase phase() {
    return phase;
  }

  /** Training images at those places of the step's global labelled batch. */
  public long[] labeled(long step, Slice places) {
    long[] samples = stream(LABELED, labeledSamples.length, step, labeledBatch, places);
    for (int i = 0; i < samples.length; i++) {
      samples[i] = labeledSamples[(int) samples[i]];
    }
    return samples;
  }

  /** Training images at those places of the step's global unlabelled batch. */
  public long[] unlabeled(long step, Slice places) {
    return stream(UNLABELED, trainCount, step, unlabeledBatch, places);
  }

  private long[] stream(int stream, int count, long step, int batch, Slice places) {
    if (step < 0 || places.to() > batch) {
      throw new IllegalArgumentException("step " + step + ", " + places + " of " + batch);
    }
    long[] samples = new long[places.size()];
    Permutation order = null;
    long epoch = -1;
    for (int i = 0; i < samples.length; i++) {
      long place = step * batch + places.from() + i;
      if (place / count != epoch) {
        epoch = place / count;
        order = new Permutation(count, seed, phase.ordinal(), stream, epoch);
      }
      samples[i] = order.at((int) (place % count));
    }
    return samples;
  }
}
