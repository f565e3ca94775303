package io.tandem.deploy.client;

import java.time.Duration;

/** A call that failed in a way its user can understand; the message says all. */
public final class ClientException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final boolean sent;
  private final Duration retryAfter;

  /**
   * @param status the HTTP status, 0 when the coordinator could not be reached
   */
  public ClientException(int status, String message) {
    this(status, message, status != 0, Duration.ZERO);
  }

  /**
   * @param sent whether the call may have been heard, and done
   * @param retryAfter when the coordinator says to try again
   */
  ClientException(int status, String message, boolean sent, Duration retryAfter) {
    super(message);
    this.status = status;
    this.sent = sent;
    this.retryAfter = retryAfter;
  }

  /** The HTTP status, 0 when the coordinator could not be reached. */
  public int status() {
    return status;
  }

  /** Whether the call may have been heard, and done. */
  public boolean sent() {
    return sent;
  }

  /** When the coordinator says to try again, zero when it does not say. */
  public Duration retryAfter() {
    return retryAfter;
  }

  /** Whether nobody answered who could: a coordinator that starts, or none at all. */
  public boolean unreachable() {
    return status == 0 || status == 502 || status == 503 || status == 504;
  }
}
