package io.tandem.worker.collective;

import java.nio.ByteBuffer;

/**
 * A buffer cut into chunks, one for each member.
 *
 * @param data position 0
 * @param bounds chunk c is {@code [bounds[c], bounds[c + 1])}, in bytes
 */
record Chunks(ByteBuffer data, int[] bounds) {
  /** Cuts into chunks of whole elements whose counts differ by one at most. */
  static Chunks split(ByteBuffer buffer, int count, int elementBytes) {
    ByteBuffer data = buffer.slice();
    long elements = data.remaining() / elementBytes;
    int[] bounds = new int[count + 1];
    for (int c = 0; c <= count; c++) {
      bounds[c] = (int) (elements * c / count) * elementBytes;
    }
    return new Chunks(data, bounds);
  }

  ByteBuffer chunk(int c) {
    return data.slice(bounds[c], bounds[c + 1] - bounds[c]);
  }

  int largest() {
    int largest = 0;
    for (int c = 0; c + 1 < bounds.length; c++) {
      largest = Math.max(largest, bounds[c + 1] - bounds[c]);
    }
    return largest;
  }

  /** Segment number g of chunk c, empty past the chunk's end. */
  ByteBuffer segment(int c, int g, int segmentBytes) {
    long from = Math.min(bounds[c] + (long) g * segmentBytes, bounds[c + 1]);
    long to = Math.min(from + segmentBytes, bounds[c + 1]);
    return data.slice((int) from, (int) (to - from));
  }
}
