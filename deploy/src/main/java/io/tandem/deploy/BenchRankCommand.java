package io.tandem.deploy;

import io.tandem.worker.fabric.Fabrics;
import io.tandem.worker.fabric.LoopbackRoster;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** One more rank of {@code tandem bench collectives}, which starts it. */
@Command(name = "collectives-rank", hidden = true, description = "A rank of bench collectives.")
final class BenchRankCommand implements Callable<Integer> {
  @Mixin ParentProcess parent;

  @Option(names = "--rank", required = true)
  int rank;

  @Option(names = "--ports", split = ",", required = true)
  List<Integer> ports;

  @Option(names = "--aeron-directory")
  Path aeronDirectory;

  @Option(names = "--bytes", split = ",", required = true)
  List<Integer> sizes;

  @Option(names = "--settle-seconds", required = true)
  int settleSeconds;

  @Option(names = "--encrypt")
  boolean encrypt;

  @Override
  public Integer call() {
    parent.exitWithIt();
    try (Fabrics fabrics = LoopbackRoster.open(rank, ports, aeronDirectory, encrypt)) {
      BenchCollectivesCommand.measure(
          fabrics.ranks().get(0), sizes, settleSeconds, (collective, bytes, nanos) -> {});
    }
    return ExitCode.SUCCEEDED;
  }
}
