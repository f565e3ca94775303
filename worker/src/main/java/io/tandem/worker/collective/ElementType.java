package io.tandem.worker.collective;

/** What a buffer holds when a collective must add. */
public enum ElementType {
  FLOAT32(4),
  FLOAT64(8);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }
}
