package io.tandem.worker.engine.nd4j;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One piece of native memory that tensors take turns in. ND4J's views of it are kept, for making
 * one costs as much as a small kernel.
 */
final class Block {
  /** More views than a training step's tensors ever ask of one block. */
  private static final int MAX_VIEWS = 256;

  private record ViewKey(long offset, io.tandem.worker.engine.Shape shape) {}

  private final INDArray flat;
  private final ByteBuffer bytes;
  private final long elements;
  private final long address;
  private final FloatBuffer floats;
  private final DoubleBuffer doubles;
  private final Map<ViewKey, INDArray> views = new HashMap<>();

  Block(DataType type, long elements) {
    this.elements = elements;
    flat = Nd4j.createUninitializedDetached(type, Math.max(1, elements));
    address = flat.data().pointer().address();
    bytes = flat.data().pointer().asByteBuffer().order(ByteOrder.nativeOrder());
    floats = bytes.asFloatBuffer();
    doubles = bytes.asDoubleBuffer();
  }

  /** Elements that fit. */
  long elements() {
    return elements;
  }

  /** The whole memory, native order; shared, so only absolute access. */
  ByteBuffer bytes() {
    return bytes;
  }

  /** The same as float32. */
  FloatBuffer floats() {
    return floats;
  }

  /** The same as float64. */
  DoubleBuffer doubles() {
    return doubles;
  }

  /** Where the memory begins. */
  long address() {
    return address;
  }

  /** The elements from offset as a row-major array of this shape. */
  INDArray array(long offset, io.tandem.worker.engine.Shape shape) {
    ViewKey key = new ViewKey(offset, shape);
    INDArray view = views.get(key);
    if (view == null) {
      if (views.size() == MAX_VIEWS) {
        views.clear();
      }
      long[] dims = new long[shape.rank()];
      long[] strides = new long[shape.rank()];
      long stride = 1;
      for (int i = shape.rank() - 1; i >= 0; i--) {
        dims[i] = shape.dim(i);
        strides[i] = stride;
        stride *= dims[i];
      }
      view = Nd4j.create(flat.data(), dims, strides, offset, 'c');
      views.put(key, view);
    }
    return view;
  }

  /** Gives the memory back to the system. */
  void free() {
    views.clear();
    flat.close();
  }
}
