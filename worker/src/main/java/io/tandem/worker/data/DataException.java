package io.tandem.worker.data;

/**
 * The images cannot be used as asked. The message is for the person who wrote the job: what was
 * given, what is allowed, what to change.
 */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataException(String message) {
    super(message);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
