package io.tandem.deploy;

/** What a command's end says to scripts. */
final class ExitCode {
  static final int SUCCEEDED = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;
  static final int CANCELLED = 3;
  static final int UNREACHABLE = 4;

  private ExitCode() {}

  /** Of a job's state; a job that goes on counts as a success. */
  static int of(String state) {
    return switch (state) {
      case "FAILED" -> FAILED;
      case "CANCELLED" -> CANCELLED;
      default -> SUCCEEDED;
    };
  }
}
