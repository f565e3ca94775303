package io.tandem.coordinator.store;

/** The database cannot be reached now: try again later. */
public final class StoreUnavailableException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  StoreUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
