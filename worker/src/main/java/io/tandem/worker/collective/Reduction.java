package io.tandem.worker.collective;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;

/**
 * Sums buffers element by element. Blocks pass through arrays that stay in the first-level cache,
 * because the JIT vectorizes loops over arrays and not over buffers. Thread-safe: a message may be
 * added by its sender's thread.
 */
final class Reduction {
  private static final int BLOCK = 1024;

  private final float[] floats = new float[BLOCK];
  private final float[] moreFloats = new float[BLOCK];
  private final double[] doubles = new double[BLOCK];
  private final double[] moreDoubles = new double[BLOCK];

  /** {@code into = left + right}, all of equal size; {@code into} may be one of them. */
  synchronized void sum(ByteBuffer left, ByteBuffer right, ByteBuffer into, ElementType type) {
    switch (type) {
      case FLOAT32 -> sumFloats(natural(left), natural(right), natural(into));
      case FLOAT64 -> sumDoubles(natural(left), natural(right), natural(into));
    }
  }

  private static ByteBuffer natural(ByteBuffer buffer) {
    return buffer.duplicate().order(ByteOrder.nativeOrder());
  }

  private void sumFloats(ByteBuffer left, ByteBuffer right, ByteBuffer into) {
    FloatBuffer a = left.asFloatBuffer();
    FloatBuffer b = right.asFloatBuffer();
    FloatBuffer sum = into.asFloatBuffer();
    while (a.hasRemaining()) {
      int count = Math.min(BLOCK, a.remaining());
      a.get(floats, 0, count);
      b.get(moreFloats, 0, count);
      for (int i = 0; i < count; i++) {
        floats[i] += moreFloats[i];
      }
      sum.put(floats, 0, count);
    }
  }

  private void sumDoubles(ByteBuffer left, ByteBuffer right, ByteBuffer into) {
    DoubleBuffer a = left.asDoubleBuffer();
    DoubleBuffer b = right.asDoubleBuffer();
    DoubleBuffer sum = into.asDoubleBuffer();
    while (a.hasRemaining()) {
      int count = Math.min(BLOCK, a.remaining());
      a.get(doubles, 0, count);
      b.get(moreDoubles, 0, count);
      for (int i = 0; i < count; i++) {
        doubles[i] += moreDoubles[i];
      }
      sum.put(doubles, 0, count);
    }
  }
}
