package io.tandem.worker.checkpoint;

import java.nio.FloatBuffer;
import java.util.List;

/**
 * What one shard writes of one float32 tensor.
 *
 * @param tensor name, unique in the checkpoint
 * @param shape of the whole tensor; empty for a scalar
 * @param from index of the first element in the whole tensor, flattened in row-major order
 * @param values the elements from the buffer's position to its limit; its position stays
 */
public record TensorSlice(String tensor, List<Long> shape, long from, FloatBuffer values) {
  public TensorSlice {
    shape = List.copyOf(shape);
    long whole = elements(shape);
    if (from < 0 || from + values.remaining() > whole) {
      throw new IllegalArgumentException(
          "%s: elements [%d, %d) of %d".formatted(tensor, from, from + values.remaining(), whole));
    }
  }

  /** Whether no value is infinite or not a number. */
  public boolean isFinite() {
    for (int i = values.position(); i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** The product of the dims; 1 for a scalar. */
  static long elements(List<Long> shape) {
    long product = 1;
    for (long dim : shape) {
      if (dim < 0) {
        throw new IllegalArgumentException("shape " + shape);
      }
      product = Math.multiplyExact(product, dim);
    }
    return product;
  }
}
