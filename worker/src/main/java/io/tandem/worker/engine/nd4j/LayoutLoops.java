package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.LayoutKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Copies of strided pieces, each piece one memory move.
 *
 * @param <A> float[] or double[]
 */
final class LayoutLoops<A> implements LayoutKernels {
  private final Nd4jMemory memory;
  private final Lanes<A> lanes;

  LayoutLoops(Nd4jMemory memory, Lanes<A> lanes) {
    this.memory = memory;
    this.lanes = lanes;
  }

  /**
   * Copies {@code count} runs of {@code length} elements; run i starts at {@code fromOffset + i *
   * fromStride} and goes to {@code toOffset + i * toStride}.
   */
  void copyRuns(
      Nd4jTensor from,
      long fromOffset,
      long fromStride,
      Nd4jTensor to,
      long toOffset,
      long toStride,
      int length,
      long count) {
    int size = memory.dtype().bytes();
    ByteBuffer source = from.memoryBytes();
    ByteBuffer target = to.memoryBytes();
    for (long i = 0; i < count; i++) {
      target.put(
          (int) ((to.offset() + toOffset + i * toStride) * size),
          source,
          (int) ((from.offset() + fromOffset + i * fromStride) * size),
          length * size);
    }
  }

  private void addRuns(
      Nd4jTensor from,
      long fromOffset,
      long fromStride,
      Nd4jTensor to,
      long toOffset,
      long toStride,
      int length,
      long count) {
    A sum = lanes.array(length);
    A added = lanes.array(length);
    for (long i = 0; i < count; i++) {
      lanes.load(to, toOffset + i * toStride, sum, length);
      lanes.load(from, fromOffset + i * fromStride, added, length);
      lanes.add(sum, added, length);
      lanes.store(sum, to, toOffset + i * toStride, length);
    }
  }

  @Override
  public void copyRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns) {
    region(
        "copyRegion",
        this::copyRuns,
        from,
        fromRow,
        fromColumn,
        to,
        toRow,
        toColumn,
        rows,
        columns);
  }

  @Override
  public void addRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns) {
    region(
        "addRegion", this::addRuns, from, fromRow, fromColumn, to, toRow, toColumn, rows, columns);
  }

  private interface Runs {
    void run(
        Nd4jTensor from,
        long fromOffset,
        long fromStride,
        Nd4jTensor to,
        long toOffset,
        long toStride,
        int length,
        long count);
  }

  private void region(
      String kernel,
      Runs runs,
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns) {
    Nd4jTensor source = memory.own(from);
    Nd4jTensor target = memory.own(to);
    Check.rank(kernel, source, 4);
    Check.rank(kernel, target, 4);
    Shape f = source.shape();
    Shape t = target.shape();
    Check.that(f.dim(0) == t.dim(0) && f.dim(3) == t.dim(3), kernel, "N and C must be equal", f, t);
    inside(kernel, f, fromRow, fromColumn, rows, columns);
    inside(kernel, t, toRow, toColumn, rows, columns);
    int c = f.dim(3);
    long fromLine = (long) f.dim(2) * c;
    long toLine = (long) t.dim(2) * c;
    // Whole lines lie one after another: then an image is one run.
    boolean whole = columns == f.dim(2) && columns == t.dim(2);
    for (int n = 0; n < f.dim(0); n++) {
      runs.run(
          source,
          (n * (long) f.dim(1) + fromRow) * fromLine + (long) fromColumn * c,
          fromLine,
          target,
          (n * (long) t.dim(1) + toRow) * toLine + (long) toColumn * c,
          toLine,
          whole ? rows * columns * c : columns * c,
          whole ? 1 : rows);
    }
  }

  private static void inside(String kernel, Shape s, int row, int column, int rows, int columns) {
    Check.that(
        row >= 0
            && column >= 0
            && rows >= 0
            && columns >= 0
            && row + rows <= s.dim(1)
            && column + columns <= s.dim(2),
        kernel,
        "the region must lie inside",
        s,
        "rows " + row + " to " + (row + rows),
        "columns " + column + " to " + (column + columns));
  }

  @Override
  public Tensor concatenate(List<Tensor> parts) {
    Check.that(!parts.isEmpty(), "concatenate", "needs at least one tensor", "none");
    int[] dims = parts.get(0).shape().dims();
    int first = 0;
    for (Tensor part : parts) {
      int[] other = part.shape().dims();
      Check.that(other.length > 0, "concatenate", "needs a first dim", part);
      first += other[0];
      other[0] = dims[0];
      Check.that(
          Arrays.equals(dims, other),
          "concatenate",
          "all but the first dim must be equal",
          parts.get(0),
          part);
    }
    dims[0] = first;
    Nd4jTensor out = memory.uninitialized(Shape.of(dims));
    long at = 0;
    for (Tensor part : parts) {
      Nd4jTensor source = memory.own(part);
      copyRuns(source, 0, 0, out, at, 0, Math.toIntExact(source.elements()), 1);
      at += source.elements();
    }
    return out;
  }
}
