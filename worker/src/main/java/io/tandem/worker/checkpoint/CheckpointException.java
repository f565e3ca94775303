package io.tandem.worker.checkpoint;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** A checkpoint that cannot be read or written; names the file. */
public sealed class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Path file;

  public CheckpointException(Path file, String problem) {
    super(file + ": " + problem);
    this.file = file;
  }

  public CheckpointException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem + reason(cause), cause);
    this.file = file;
  }

  /** What the file system says beyond the file's name. */
  private static String reason(Throwable cause) {
    return cause instanceof FileSystemException e && e.getReason() != null
        ? ": " + e.getReason()
        : "";
  }

  /** The file or directory at fault. */
  public Path file() {
    return file;
  }

  /** Nothing was committed: the disk is full, gone or read-only. Training may go on. */
  public static final class NotWritten extends CheckpointException {
    private static final long serialVersionUID = 1L;

    public NotWritten(Path file, IOException cause) {
      super(file, "cannot be written, the checkpoint is given up" + detail(cause), cause);
    }

    private static String detail(IOException cause) {
      return reason(cause).isEmpty() ? ": " + cause.getMessage() : "";
    }
  }

  /** A later attempt of the job has begun: the one that is told so is over, and writes no more. */
  public static final class Superseded extends CheckpointException {
    private static final long serialVersionUID = 1L;

    Superseded(Path root, int attempt, long later) {
      super(
          root,
          "attempt %d is over, since attempt %d has begun there; if the coordinator's store was"
                  .formatted(attempt, later)
              + " put back to an earlier state, remove what bears the number of a later attempt");
    }
  }
}
