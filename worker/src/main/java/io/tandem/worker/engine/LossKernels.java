package io.tandem.worker.engine;

/** Softmax and its cross entropy; logits and targets: N K, every target row a distribution. */
public interface LossKernels {
  /** Row-wise softmax. */
  Tensor softmax(Tensor logits);

  /** Per row: {@code -sum_k target * log softmax(logits)}: N. */
  Tensor softmaxCrossEntropy(Tensor logits, Tensor targets);

  /** dL/dlogits for {@code L = sum_n rowWeight[n] * loss[n]}. */
  Tensor softmaxCrossEntropyBackward(Tensor logits, Tensor targets, Tensor rowWeights);
}
