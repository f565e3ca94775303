package io.tandem.worker.collective;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Buffers that a communicator keeps from call to call. */
final class Scratch {
  private final List<ByteBuffer> slots = new ArrayList<>();

  /** Slot {@code index}, of {@code bytes} bytes; its content lasts until the slot must grow. */
  ByteBuffer slot(int index, int bytes) {
    while (slots.size() <= index) {
      slots.add(ByteBuffer.allocateDirect(0));
    }
    if (slots.get(index).capacity() < bytes) {
      slots.set(index, ByteBuffer.allocateDirect(bytes));
    }
    return slots.get(index).slice(0, bytes);
  }
}
