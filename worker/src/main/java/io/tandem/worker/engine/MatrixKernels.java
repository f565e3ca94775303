package io.tandem.worker.engine;

/** Matrix products of rank-2 tensors. */
public interface MatrixKernels {
  /** op(a) x op(b), op transposing where told. */
  Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB);
}
