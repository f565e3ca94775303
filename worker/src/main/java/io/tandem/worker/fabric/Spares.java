package io.tandem.worker.fabric;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Buffers for messages that come before they are asked for, used again and again: the segments of a
 * ring come early by the thousand, and fresh memory would have to be cleared each time. Owned by
 * the {@link Inbox}.
 */
final class Spares {
  /** The largest kept; larger messages are no segments, and seldom. */
  static final int LARGEST = 1 << 20;

  private static final int KEPT_BYTES = 4 << 20;

  /** By the power of two that is their size. */
  private final Deque<ByteBuffer>[] free = deques();

  private int keptBytes;

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Deque<ByteBuffer>[] deques() {
    Deque<ByteBuffer>[] deques = new Deque[Integer.SIZE];
    for (int i = 0; i < deques.length; i++) {
      deques[i] = new ArrayDeque<>();
    }
    return deques;
  }

  /** At least so many bytes, of any content. */
  ByteBuffer take(int bytes) {
    if (bytes > LARGEST) {
      return ByteBuffer.allocate(bytes);
    }
    int size = bytes <= 1 ? 1 : Integer.highestOneBit(bytes - 1) << 1;
    ByteBuffer spare = free[Integer.numberOfTrailingZeros(size)].poll();
    if (spare == null) {
      return ByteBuffer.allocate(size);
    }
    keptBytes -= size;
    return spare;
  }

  /** Nobody uses it any more. */
  void give(ByteBuffer buffer) {
    int size = buffer.capacity();
    if (size <= LARGEST && keptBytes + size <= KEPT_BYTES) {
      keptBytes += size;
      free[Integer.numberOfTrailingZeros(size)].push(buffer);
    }
  }
}
