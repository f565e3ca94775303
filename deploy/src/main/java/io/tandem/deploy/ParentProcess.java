package io.tandem.deploy;

import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine.Option;

/**
 * Of a process that another one of ours has started: it ends with that one, also when that one is
 * killed. It knows by its standard input, which the other holds open and never writes to.
 */
final class ParentProcess {
  @Option(
      names = "--with-parent",
      hidden = true,
      defaultValue = "${env:TANDEM_WITH_PARENT:-false}",
      fallbackValue = "true",
      description = "End when standard input ends (TANDEM_WITH_PARENT).")
  boolean withParent;

  /** From now on this process ends, in an orderly way, when its parent does. */
  void exitWithIt() {
    if (!withParent) {
      return;
    }
    Thread thread = new Thread(ParentProcess::awaitEnd, "parent");
    thread.setDaemon(true);
    thread.start();
  }

  private static void awaitEnd() {
    try {
      while (System.in.read() >= 0) {
        // nothing is said there
      }
    } catch (IOException e) {
      System.err.printf(Locale.ROOT, "tandem: standard input fails: %s%n", e);
    }
    System.exit(ExitCode.FAILED);
  }
}
