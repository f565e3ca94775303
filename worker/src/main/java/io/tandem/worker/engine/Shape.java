package io.tandem.worker.engine;

import java.util.Arrays;

/** The dims of a tensor, outermost first (images: N H W C). Immutable. */
public final class Shape {
  private final int[] dims;

  private Shape(int[] dims) {
    for (int dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("negative dim in " + Arrays.toString(dims));
      }
    }
    this.dims = dims;
  }

  /** A shape of these dims. */
  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /** Number of dims. */
  public int rank() {
    return dims.length;
  }

  /** The size of dim i; negative i counts from the end. */
  public int dim(int i) {
    return dims[i < 0 ? dims.length + i : i];
  }

  /** A copy of the dims. */
  public int[] dims() {
    return dims.clone();
  }

  /** Number of elements. */
  public long elements() {
    long n = 1;
    for (int dim : dims) {
      n = Math.multiplyExact(n, dim);
    }
    return n;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
