package io.tandem.worker.engine;

import java.util.List;

/** Slicing and packing of N H W C. */
public interface LayoutKernels {
  /**
   * Copies rows {@code [fromRow, +rows)} and columns {@code [fromColumn, +columns)} of every image
   * of {@code from} into {@code to} at {@code (toRow, toColumn)}; N and C are equal.
   */
  void copyRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns);

  /** As {@link #copyRegion}, adding to what is there. */
  void addRegion(
      Tensor from,
      int fromRow,
      int fromColumn,
      Tensor to,
      int toRow,
      int toColumn,
      int rows,
      int columns);

  /** The tensors one after another along the first dim. */
  Tensor concatenate(List<Tensor> parts);
}
