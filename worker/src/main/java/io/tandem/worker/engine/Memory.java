package io.tandem.worker.engine;

import java.nio.ByteBuffer;

/** Allocation and transfer. */
public interface Memory {
  /** The element type of all that this engine computes with. */
  DType dtype();

  /**
   * Opens a scope: tensors that kernels make from now on, and that are not closed or {@linkplain
   * Scope#keep kept}, are closed with it. Scopes nest; the innermost one owns.
   */
  Scope openScope();

  /** A zeroed tensor that no scope owns: its maker closes it. */
  Tensor allocate(Shape shape, MemoryKind kind);

  /** A zeroed tensor that belongs to the innermost scope ({@link MemoryKind#ACTIVATIONS}). */
  Tensor zeros(Shape shape);

  /** A tensor of uninitialised content that belongs to the innermost scope. */
  Tensor uninitialized(Shape shape);

  /** A tensor with these values, converted to {@link #dtype}; belongs to the innermost scope. */
  Tensor upload(Shape shape, double[] values);

  /** As above. */
  Tensor upload(Shape shape, float[] values);

  /** The values, converted; a copy. */
  double[] download(Tensor x);

  /** The values converted to float32 into {@code into[offset..]}. */
  void download(Tensor x, float[] into, int offset);

  /** {@code to = from}, same number of elements. */
  void copy(Tensor from, Tensor to);

  /**
   * The same memory with other dims (same number of elements). The view must not outlive {@code x}.
   */
  Tensor view(Tensor x, Shape shape);

  /**
   * The same memory, elements {@code [from, from + shape.elements())} of the flattened x. The view
   * must not outlive {@code x}.
   */
  Tensor view(Tensor x, long from, Shape shape);

  /**
   * Host memory of a tensor for the network: on a CPU the tensor's own memory without a copy, else
   * a staging buffer that is filled before (READ) and written back on close (WRITE). Native byte
   * order, position 0, limit the tensor's bytes (at most 2 GiB).
   */
  HostBuffer host(Tensor x, Access access);

  /** Bytes in use now by kind. */
  long bytes(MemoryKind kind);

  /** The largest {@link #bytes} since {@link #resetPeaks}. */
  long peakBytes(MemoryKind kind);

  /** Begins the peaks anew from the current use. */
  void resetPeaks();

  /** What is done with host memory. */
  enum Access {
    READ,
    WRITE,
    READ_WRITE
  }

  /** A tensor's memory as the host sees it, until closed. */
  interface HostBuffer extends AutoCloseable {
    /** The bytes; valid until {@link #close}. */
    ByteBuffer bytes();

    @Override
    void close();
  }

  /** Owner of the tensors made since it was opened. */
  interface Scope extends AutoCloseable {
    /** Takes x out of this scope: its new owner closes it (or hands it to an outer scope). */
    <T extends Tensor> T keep(T x);

    @Override
    void close();
  }
}
