package io.tandem.worker.data;

/** One image cannot be decoded; the others may be fine. */
public final class UnreadableImageException extends Exception {
  private static final long serialVersionUID = 1L;

  public UnreadableImageException(String reason) {
    super(reason);
  }

  public UnreadableImageException(String reason, Throwable cause) {
    super(reason, cause);
  }
}
