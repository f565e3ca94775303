package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.MatrixKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Matrix products by ND4J, which hands them to OpenBLAS. */
final class MatrixOps implements MatrixKernels {
  private final Nd4jMemory memory;

  MatrixOps(Nd4jMemory memory) {
    this.memory = memory;
  }

  @Override
  public Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    Nd4jTensor left = memory.own(a);
    Nd4jTensor right = memory.own(b);
    Check.rank("matmul: a", left, 2);
    Check.rank("matmul: b", right, 2);
    int rows = left.shape().dim(transposeA ? 1 : 0);
    int inner = left.shape().dim(transposeA ? 0 : 1);
    int columns = right.shape().dim(transposeB ? 0 : 1);
    Check.that(
        inner == right.shape().dim(transposeB ? 1 : 0),
        "matmul",
        "the inner dims must be equal",
        left.shape() + (transposeA ? " transposed" : ""),
        right.shape() + (transposeB ? " transposed" : ""));
    if (rows == 0 || columns == 0 || inner == 0) {
      return memory.zeros(Shape.of(rows, columns));
    }
    Nd4jTensor out = memory.uninitialized(Shape.of(rows, columns));
    Nd4j.exec(
        DynamicCustomOp.builder("matmul")
            .addInputs(left.array(), right.array())
            .addOutputs(out.array())
            .addIntegerArguments(transposeA ? 1 : 0, transposeB ? 1 : 0, 0)
            .build());
    return out;
  }
}
