package io.tandem.worker.algorithm;

/**
 * Which unlabelled images count, and with what target. N rows, K classes.
 *
 * @param targets N x K, one distribution a row
 * @param mask 1 where an image counts, else 0
 */
public record Consistency(double[] targets, double[] mask) {
  /**
   * UDA (arXiv 1904.12848): the sharpened prediction on the weak view, where its largest
   * probability reaches the threshold.
   */
  public static Consistency uda(double[] weakLogits, int k, double temperature, double threshold) {
    double[] p = Logits.softmax(weakLogits, k, temperature);
    return new Consistency(p, mask(p, k, threshold));
  }

  /**
   * Pseudo labels (Lee, 2013): the hard prediction, where its probability reaches the threshold.
   */
  public static Consistency pseudoLabels(double[] weakLogits, int k, double threshold) {
    double[] p = Logits.softmax(weakLogits, k, 1);
    return new Consistency(Logits.targets(Logits.argmax(p, k), k, 0), mask(p, k, threshold));
  }

  private static double[] mask(double[] p, int k, double threshold) {
    int[] best = Logits.argmax(p, k);
    double[] mask = new double[best.length];
    for (int n = 0; n < mask.length; n++) {
      mask[n] = p[n * k + best[n]] >= threshold ? 1 : 0;
    }
    return mask;
  }

  /** The weight of a loss that grows linearly over its first steps. */
  public static double ramp(double weight, int rampSteps, long step) {
    return rampSteps == 0 ? weight : weight * Math.min(1, (step + 1.0) / rampSteps);
  }
}
