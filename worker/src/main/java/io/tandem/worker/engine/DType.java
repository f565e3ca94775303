package io.tandem.worker.engine;

/**
 * Element types of tensors. Float32 trains; bfloat16 is for engines with such arithmetic; float64
 * is for proofs (finite differences), not for speed.
 */
public enum DType {
  FLOAT32(4),
  BFLOAT16(2),
  FLOAT64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }
}
