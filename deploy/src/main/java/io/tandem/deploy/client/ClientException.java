package io.tandem.deploy.client;

/** A call that failed in a way its user can understand; the message says all. */
public final class ClientException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  /**
   * @param status the HTTP status, 0 when the coordinator could not be reached
   */
  public ClientException(int status, String message) {
    super(message);
    this.status = status;
  }

  /** The HTTP status, 0 when the coordinator could not be reached. */
  public int status() {
    return status;
  }

  /** Whether nobody answered who could: a coordinator that starts, or none at all. */
  public boolean unreachable() {
    return status == 0 || status == 502 || status == 503 || status == 504;
  }
}
