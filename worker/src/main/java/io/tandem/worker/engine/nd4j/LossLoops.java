package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.LossKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;

/** Softmax and its cross entropy: N K values are few, so they are computed in float64. */
final class LossLoops implements LossKernels {
  private final Nd4jMemory memory;

  LossLoops(Nd4jMemory memory) {
    this.memory = memory;
  }

  @Override
  public Tensor softmax(Tensor logits) {
    int k = classes("softmax", logits);
    double[] values = memory.download(logits);
    for (int row = 0; row < values.length; row += k) {
      double norm = logSumExp(values, row, k);
      for (int i = row; i < row + k; i++) {
        values[i] = Math.exp(values[i] - norm);
      }
    }
    return memory.upload(logits.shape(), values);
  }

  @Override
  public Tensor softmaxCrossEntropy(Tensor logits, Tensor targets) {
    int k = classes("softmaxCrossEntropy", logits);
    Check.shape("softmaxCrossEntropy: targets", memory.own(targets), logits.shape());
    double[] values = memory.download(logits);
    double[] target = memory.download(targets);
    double[] losses = new double[logits.shape().dim(0)];
    for (int n = 0; n < losses.length; n++) {
      double norm = logSumExp(values, n * k, k);
      for (int i = n * k; i < (n + 1) * k; i++) {
        // A target of zero takes no part, also where the probability underflows.
        losses[n] += target[i] == 0 ? 0 : target[i] * (norm - values[i]);
      }
    }
    return memory.upload(Shape.of(losses.length), losses);
  }

  @Override
  public Tensor softmaxCrossEntropyBackward(Tensor logits, Tensor targets, Tensor rowWeights) {
    int k = classes("softmaxCrossEntropyBackward", logits);
    Check.shape("softmaxCrossEntropyBackward: targets", memory.own(targets), logits.shape());
    int rows = logits.shape().dim(0);
    Check.that(
        rowWeights.shape().elements() == rows,
        "softmaxCrossEntropyBackward",
        "needs a weight a row",
        logits,
        rowWeights);
    double[] values = memory.download(logits);
    double[] target = memory.download(targets);
    double[] weights = memory.download(rowWeights);
    for (int n = 0; n < rows; n++) {
      double norm = logSumExp(values, n * k, k);
      double mass = 0;
      for (int i = n * k; i < (n + 1) * k; i++) {
        mass += target[i];
      }
      for (int i = n * k; i < (n + 1) * k; i++) {
        values[i] = weights[n] * (mass * Math.exp(values[i] - norm) - target[i]);
      }
    }
    return memory.upload(logits.shape(), values);
  }

  private int classes(String kernel, Tensor logits) {
    Nd4jTensor x = memory.own(logits);
    Check.rank(kernel, x, 2);
    Check.that(x.shape().dim(1) > 0, kernel, "needs at least one class", x);
    return x.shape().dim(1);
  }

  private static double logSumExp(double[] values, int from, int k) {
    double largest = values[from];
    for (int i = from + 1; i < from + k; i++) {
      largest = Math.max(largest, values[i]);
    }
    double sum = 0;
    for (int i = from; i < from + k; i++) {
      sum += Math.exp(values[i] - largest);
    }
    return largest + Math.log(sum);
  }
}
