package io.tandem.coordinator.store;

/** Another coordinator leads by now: nothing was written, and nothing will be. */
public final class FencedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  FencedException(String holder, long epoch) {
    super(holder + " led in epoch " + epoch + ", and another coordinator leads now");
  }
}
