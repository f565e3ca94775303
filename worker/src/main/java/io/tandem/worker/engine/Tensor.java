package io.tandem.worker.engine;

/**
 * A dense, contiguous, row-major array in an engine's memory (images: N H W C, channels last).
 * Opaque: only its engine can read it. Used by its engine's one thread. {@link #close} gives the
 * memory back at once and may be called again without effect; using a closed tensor throws.
 */
public interface Tensor extends AutoCloseable {
  /** The dims. */
  Shape shape();

  /** The element type. */
  DType dtype();

  /** Gives the memory back to the engine. Closing a view does nothing to what it views. */
  @Override
  void close();
}
