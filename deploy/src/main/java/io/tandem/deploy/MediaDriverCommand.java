package io.tandem.deploy;

import io.tandem.worker.fabric.SharedDriver;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem media-driver}: what workers of one host share to reach each other over IPC. */
@Command(
    name = "media-driver",
    description =
        "Runs an Aeron media driver for the workers of this host; ends when told to (SIGTERM,"
            + " Ctrl-C).")
final class MediaDriverCommand implements Callable<Integer> {
  @Mixin Output output;
  @Mixin ParentProcess parent;

  @Option(
      names = "--aeron-directory",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_AERON_DIRECTORY:-}",
      description =
          "Where it works, best under /dev/shm; a new one there by default"
              + " (TANDEM_AERON_DIRECTORY).")
  String directory;

  @Override
  public Integer call() throws InterruptedException {
    SharedDriver driver;
    try {
      driver = SharedDriver.launch(directory.isEmpty() ? null : Path.of(directory));
    } catch (IllegalStateException e) {
      throw new CommandException(ExitCode.FAILED, e.getMessage());
    }
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  driver.close();
                  ended.countDown();
                },
                "close"));
    output.out().println("media driver at " + driver.directory());
    output.out().flush();
    parent.exitWithIt();
    ended.await();
    return ExitCode.SUCCEEDED;
  }
}
