package io.tandem.coordinator.store;

import java.nio.file.Path;

/** Another coordinator owns the store. */
public final class StoreInUseException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  StoreInUseException(Path directory, Throwable cause) {
    super(
        "the store in "
            + directory
            + " belongs to a coordinator that is running: stop that one, or give this one a"
            + " directory of its own",
        cause);
  }
}
