package io.tandem.protocol.job;

/**
 * What one step computes.
 *
 * @param name the method
 * @param labelSmoothing of the supervised loss and of the student's pseudo labels, in [0, 1)
 * @param uda the consistency loss of {@code uda} and {@code meta-pseudo-labels}
 * @param pseudoLabels the threshold of {@code pseudo-labels}
 * @param feedback the feedback of {@code meta-pseudo-labels}
 * @param fineTune the last phase of {@code meta-pseudo-labels}: the student on labelled images
 */
public record AlgorithmSpec(
    Name name,
    double labelSmoothing,
    UdaSpec uda,
    PseudoLabelsSpec pseudoLabels,
    FeedbackSpec feedback,
    FineTuneSpec fineTune) {

  /** The methods. */
  public enum Name {
    SUPERVISED,
    PSEUDO_LABELS,
    UDA,
    META_PSEUDO_LABELS
  }

  /**
   * Unsupervised data augmentation (arXiv 1904.12848).
   *
   * @param weight of the loss once ramped up; 0 switches it off
   * @param rampSteps steps over which the weight grows linearly from 0
   * @param temperature of the sharpened target
   * @param threshold images whose sharpened largest probability is lower do not count
   */
  public record UdaSpec(double weight, int rampSteps, double temperature, double threshold) {}

  /**
   * Pseudo labels (Lee, 2013) on the model's own confident predictions.
   *
   * @param weight of the loss once ramped up
   * @param rampSteps steps over which the weight grows linearly from 0
   * @param threshold smallest largest probability that counts
   */
  public record PseudoLabelsSpec(double weight, int rampSteps, double threshold) {}

  /**
   * How the student's progress is turned into the teacher's gradient.
   *
   * @param estimator of the coefficient
   * @param scale factor on the coefficient; 1 is the unbiased meta-gradient
   * @param baselineDecay decay of the moving average subtracted from a shared coefficient; 0
   *     switches every baseline off, also the image's own of {@code PER_EXAMPLE}
   */
  public record FeedbackSpec(Estimator estimator, double scale, double baselineDecay) {}

  /**
   * Estimators of the feedback: one coefficient for all images ({@code TAYLOR}, {@code
   * DOT_PRODUCT}, {@code COSINE}), one an image ({@code PER_EXAMPLE}), one an image and label
   * ({@code ALL_LABELS}); {@code OFF} and {@code FLIPPED} (taylor's) are controls for experiments.
   */
  public enum Estimator {
    TAYLOR,
    DOT_PRODUCT,
    COSINE,
    PER_EXAMPLE,
    ALL_LABELS,
    OFF,
    FLIPPED
  }

  /**
   * The student's last phase on labelled images.
   *
   * @param steps 0 skips it
   * @param learningRate fixed
   * @param batch labelled images a step, over the whole mesh
   */
  public record FineTuneSpec(int steps, double learningRate, int batch) {}
}
