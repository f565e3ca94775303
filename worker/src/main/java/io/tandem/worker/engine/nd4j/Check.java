package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;

/** Whether shapes fit, with the shapes in what is thrown. */
final class Check {
  private Check() {}

  static void that(boolean fits, String kernel, String rule, Object... given) {
    if (!fits) {
      StringBuilder message =
          new StringBuilder(kernel).append(": ").append(rule).append("; given ");
      for (int i = 0; i < given.length; i++) {
        message.append(i == 0 ? "" : ", ");
        message.append(given[i] instanceof Tensor x ? x.shape() : given[i]);
      }
      throw new IllegalArgumentException(message.toString());
    }
  }

  static void sameElements(String kernel, Nd4jTensor a, Nd4jTensor b) {
    that(a.elements() == b.elements(), kernel, "the numbers of elements must be equal", a, b);
  }

  static void rank(String kernel, Nd4jTensor x, int rank) {
    that(x.shape().rank() == rank, kernel, "needs " + rank + " dims", x);
  }

  static void shape(String kernel, Nd4jTensor x, Shape expected) {
    that(x.shape().equals(expected), kernel, "expected " + expected, x);
  }

  static void channels(String kernel, Nd4jTensor x, int given) {
    that(
        x.shape().rank() > 0 && x.shape().dim(-1) == given,
        kernel,
        "the last dim must be the number of channels, " + given,
        x);
  }
}
