package io.tandem.worker.storage;

import java.nio.file.FileSystemException;

/**
 * An object store that did not do what it was asked; the message says where, why and what to do.
 */
public final class StoreException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final boolean temporary;

  StoreException(S3Path path, String problem, boolean temporary, Throwable cause) {
    super(path.toString(), null, problem);
    initCause(cause);
    this.temporary = temporary;
  }

  /** Whether it may succeed later with nothing changed: no answer, or an error of the store. */
  public boolean temporary() {
    return temporary;
  }

  /** Whether something failed by a store that may soon be back. */
  public static boolean temporary(Throwable failure) {
    for (var cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof StoreException store) {
        return store.temporary();
      }
    }
    return false;
  }
}
