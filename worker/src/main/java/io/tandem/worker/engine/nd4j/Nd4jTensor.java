package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A tensor in a {@link Block}: the owner of the block's content, or a view of such an owner. */
final class Nd4jTensor implements Tensor {
  private final Nd4jMemory memory;
  private final Nd4jTensor viewed;
  private final Block block;
  private final long offset;
  private final Shape shape;
  private final MemoryKind kind;

  /** The scope that closes this; null when none does. Kept by {@link Nd4jMemory}. */
  Nd4jMemory.OpenScope scope;

  private boolean closed;

  /** An owner. */
  Nd4jTensor(Nd4jMemory memory, Block block, Shape shape, MemoryKind kind) {
    this.memory = memory;
    this.viewed = null;
    this.block = block;
    this.offset = 0;
    this.shape = shape;
    this.kind = kind;
  }

  /** A view of elements {@code [from, from + shape.elements())} of x. */
  Nd4jTensor(Nd4jTensor x, long from, Shape shape) {
    this.memory = x.memory;
    this.viewed = x;
    this.block = x.block;
    this.offset = x.offset + from;
    this.shape = shape;
    this.kind = x.kind;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public DType dtype() {
    return memory.dtype();
  }

  MemoryKind kind() {
    return kind;
  }

  Nd4jMemory memory() {
    return memory;
  }

  Block block() {
    return block;
  }

  boolean isView() {
    return viewed != null;
  }

  boolean isClosed() {
    return closed || viewed != null && viewed.isClosed();
  }

  /** Elements. */
  long elements() {
    return shape.elements();
  }

  /** First element in {@link #memoryBytes}. */
  long offset() {
    return offset;
  }

  /** The block's bytes. */
  ByteBuffer memoryBytes() {
    return block.bytes();
  }

  /** Where the first element lies, for native code. */
  long address() {
    return block.address() + offset * dtype().bytes();
  }

  /** For ND4J. */
  INDArray array() {
    return block.array(offset, shape);
  }

  /** For ND4J, with other dims. */
  INDArray array(Shape other) {
    return block.array(offset, other);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (viewed == null) {
        memory.release(this);
      }
    }
  }

  @Override
  public String toString() {
    return dtype() + " " + shape + (isClosed() ? " (closed)" : "");
  }
}
