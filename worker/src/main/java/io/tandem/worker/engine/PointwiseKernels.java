package io.tandem.worker.engine;

/** Elementwise kernels; operands have equal numbers of elements. */
public interface PointwiseKernels {
  /** a + b. */
  Tensor add(Tensor a, Tensor b);

  /** {@code y += alpha * x}, in place. */
  void addScaled(Tensor y, double alpha, Tensor x);

  /** {@code x *= alpha}, in place. */
  void scale(Tensor x, double alpha);

  /** {@code x[i] = value}. */
  void fill(Tensor x, double value);

  /** a * b. */
  Tensor multiply(Tensor a, Tensor b);

  /** The sum of a[i] * b[i], accumulated in float64 where the engine can. */
  double dot(Tensor a, Tensor b);
}
