package io.tandem.worker.algorithm;

import io.tandem.worker.random.CounterRandom;

/** Functions of logits on the host; N rows, K classes, row-major, float64. */
public final class Logits {
  private Logits() {}

  /** Row-wise softmax of {@code logits / temperature}. */
  public static double[] softmax(double[] logits, int k, double temperature) {
    double[] p = new double[logits.length];
    for (int row = 0; row < logits.length; row += k) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = row; i < row + k; i++) {
        max = Math.max(max, logits[i]);
      }
      double sum = 0;
      for (int i = row; i < row + k; i++) {
        p[i] = Math.exp((logits[i] - max) / temperature);
        sum += p[i];
      }
      for (int i = row; i < row + k; i++) {
        p[i] /= sum;
      }
    }
    return p;
  }

  /** One-hot rows of labels, smoothed towards the uniform distribution. */
  public static double[] targets(int[] labels, int k, double smoothing) {
    double[] t = new double[labels.length * k];
    java.util.Arrays.fill(t, smoothing / k);
    for (int n = 0; n < labels.length; n++) {
      t[n * k + labels[n]] += 1 - smoothing;
    }
    return t;
  }

  /** Per row: {@code -sum_k target * log softmax(logits)}. */
  public static double[] crossEntropy(double[] logits, double[] targets, int k) {
    double[] loss = new double[logits.length / k];
    for (int n = 0; n < loss.length; n++) {
      int row = n * k;
      double max = Double.NEGATIVE_INFINITY;
      for (int i = row; i < row + k; i++) {
        max = Math.max(max, logits[i]);
      }
      double sum = 0;
      for (int i = row; i < row + k; i++) {
        sum += Math.exp(logits[i] - max);
      }
      double logSum = max + Math.log(sum);
      for (int i = row; i < row + k; i++) {
        loss[n] += targets[i] * (logSum - logits[i]);
      }
    }
    return loss;
  }

  /**
   * Adds {@code weight[n] * (softmax(logits) - target)}, the gradient of weighted cross entropies,
   * to {@code gradient} from row {@code toRow} on; rows of logits from {@code fromRow} on.
   */
  public static void addCrossEntropyGradient(
      double[] gradient, double[] logits, int fromRow, double[] targets, double[] weight, int k) {
    double[] rows =
        java.util.Arrays.copyOfRange(logits, fromRow * k, (fromRow + weight.length) * k);
    double[] p = softmax(rows, k, 1);
    for (int n = 0; n < weight.length; n++) {
      for (int i = 0; i < k; i++) {
        gradient[(fromRow + n) * k + i] += weight[n] * (p[n * k + i] - targets[n * k + i]);
      }
    }
  }

  /**
   * Adds {@code sum_j coefficient[n, j] * (softmax(logits) - onehot(j))}, the gradient of every
   * label's cross entropy by its coefficient, to {@code gradient} from row {@code fromRow} on.
   *
   * @param coefficients rows of K for the logits' rows from {@code fromRow} on
   */
  public static void addLabelGradients(
      double[] gradient, double[] logits, int fromRow, double[] coefficients, int k) {
    int start = fromRow * k;
    double[] p = softmax(java.util.Arrays.copyOfRange(logits, start, logits.length), k, 1);
    for (int row = 0; row < coefficients.length; row += k) {
      double sum = 0;
      for (int j = 0; j < k; j++) {
        sum += coefficients[row + j];
      }
      for (int j = 0; j < k; j++) {
        gradient[start + row + j] += sum * p[row + j] - coefficients[row + j];
      }
    }
  }

  /** Index of each row's largest value (the first of equals). */
  public static int[] argmax(double[] rows, int k) {
    int[] best = new int[rows.length / k];
    for (int n = 0; n < best.length; n++) {
      for (int i = 1; i < k; i++) {
        if (rows[n * k + i] > rows[n * k + best[n]]) {
          best[n] = i;
        }
      }
    }
    return best;
  }

  /** One label a row, drawn from its distribution; the same for a sample on every mesh. */
  public static int[] sample(double[] probabilities, int k, long seed, long step, long[] samples) {
    int[] labels = new int[samples.length];
    for (int n = 0; n < samples.length; n++) {
      double u =
          CounterRandom.of(CounterRandom.Purpose.PSEUDO_LABEL, seed, step, samples[n]).nextDouble();
      int label = 0;
      double sum = probabilities[n * k];
      while (u >= sum && label < k - 1) {
        sum += probabilities[n * k + ++label];
      }
      labels[n] = label;
    }
    return labels;
  }
}
