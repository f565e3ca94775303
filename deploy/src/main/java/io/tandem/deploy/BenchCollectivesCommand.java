package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.worker.collective.Collective;
import io.tandem.worker.collective.CollectiveBenchmark;
import io.tandem.worker.collective.CollectiveBenchmark.Result;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.Fabrics;
import io.tandem.worker.fabric.InProcessFabric;
import io.tandem.worker.fabric.LoopbackRoster;
import io.tandem.worker.fabric.PeerLostException;
import io.tandem.worker.fabric.Transport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem bench collectives}: the data plane on this machine. */
@Command(
    name = "collectives",
    description =
        "Times all-reduce, reduce-scatter, all-gather and halo exchange over each transport; bus"
            + " bandwidth as nccl-tests defines it. In-process: between threads of this process."
            + " Ipc: between processes that share a media driver in one more process. Udp: between"
            + " processes with a media driver each, over loopback.")
final class BenchCollectivesCommand implements Callable<Integer> {
  @Mixin Output output;

  @Option(
      names = "--transports",
      split = ",",
      defaultValue = "${env:TANDEM_BENCH_TRANSPORTS:-in-process,ipc,udp}",
      description = "(TANDEM_BENCH_TRANSPORTS; ${DEFAULT-VALUE})")
  List<String> transports;

  @Option(
      names = "--ranks",
      defaultValue = "${env:TANDEM_BENCH_RANKS:-2}",
      description = "(TANDEM_BENCH_RANKS; ${DEFAULT-VALUE})")
  int ranks;

  @Option(
      names = "--bytes",
      split = ",",
      defaultValue =
          "${env:TANDEM_BENCH_BYTES:-4096,16384,65536,262144,1048576,4194304,16777216,67108864}",
      description =
          "Sizes of the larger of a collective's two buffers; of a halo what a rank sends, half of"
              + " it to each side (TANDEM_BENCH_BYTES; ${DEFAULT-VALUE}).")
  List<Integer> sizes;

  @Option(
      names = "--encrypt",
      fallbackValue = "true",
      defaultValue = "${env:TANDEM_BENCH_ENCRYPT:-false}",
      description = "Encrypts the frames between processes (TANDEM_BENCH_ENCRYPT).")
  boolean encrypt;

  @Option(
      names = "--settle-seconds",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_BENCH_SETTLE_SECONDS:-60}",
      description = {
        "Works so long at most until the JVMs' compilers are at rest, and only then measures",
        "(TANDEM_BENCH_SETTLE_SECONDS; ${DEFAULT-VALUE})."
      })
  int settleSeconds;

  private final ArrayNode results = JsonNodeFactory.instance.arrayNode();

  /** Hears the slowest rank's times of a collective. */
  interface Listener {
    void measured(Collective collective, int bytes, long[] nanos);
  }

  @Override
  public Integer call() throws InterruptedException {
    WorkerCommand.require("--ranks", ranks, 2, 64);
    sizes.forEach(this::requireNumbersForEachRank);
    WorkerCommand.require("--settle-seconds", settleSeconds, 0, 3600);
    List<Transport> wanted = transports.stream().map(BenchCollectivesCommand::transport).toList();
    for (Transport transport : wanted) {
      switch (transport) {
        case IN_PROCESS -> inProcess();
        case IPC -> {
          try (ChildProcess driver = ChildProcess.start(List.of("media-driver"))) {
            between(transport, Path.of(driver.awaitLine("media driver at ")));
          }
        }
        case UDP -> between(transport, null);
      }
    }
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.set("results", results);
    output.object(object);
    return ExitCode.SUCCEEDED;
  }

  private void requireNumbersForEachRank(int bytes) {
    int least = ranks * Double.BYTES;
    if (bytes < least || bytes % Float.BYTES != 0) {
      throw new CommandException(
          ExitCode.USAGE,
          "--bytes %d: allowed are multiples of %d, from %d for %d ranks"
              .formatted(bytes, Float.BYTES, least, ranks));
    }
  }

  private static Transport transport(String label) {
    return Arrays.stream(Transport.values())
        .filter(transport -> transport.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new CommandException(
                    ExitCode.USAGE,
                    "--transports " + label + ": allowed are in-process, ipc, udp"));
  }

  private void inProcess() throws InterruptedException {
    List<Fabric> world = InProcessFabric.world(ranks, Duration.ofMinutes(1));
    CollectiveBenchmark.settle(world, settleSeconds);
    for (Collective collective : CollectiveBenchmark.COLLECTIVES) {
      for (int bytes : sizes) {
        long[] nanos = CollectiveBenchmark.time(collective, world, bytes);
        report(collective, Transport.IN_PROCESS, bytes, nanos);
      }
    }
  }

  /** This process is rank 0, and starts one for each other rank. */
  private void between(Transport transport, Path aeronDirectory) {
    List<Integer> ports = LoopbackRoster.freePorts(ranks);
    List<ChildProcess> others = new ArrayList<>();
    try {
      for (int rank = 1; rank < ranks; rank++) {
        others.add(ChildProcess.start(arguments(rank, ports, aeronDirectory)));
      }
      try (Fabrics fabrics = LoopbackRoster.open(0, ports, aeronDirectory, encrypt)) {
        measure(
            fabrics.ranks().get(0),
            sizes,
            settleSeconds,
            (collective, bytes, nanos) -> report(collective, transport, bytes, nanos));
      }
    } catch (PeerLostException e) {
      throw new CommandException(ExitCode.FAILED, e.getMessage());
    } finally {
      others.forEach(ChildProcess::close);
    }
  }

  private List<String> arguments(int rank, List<Integer> ports, Path aeronDirectory) {
    List<String> arguments = new ArrayList<>(List.of("bench", "collectives-rank"));
    arguments.addAll(List.of("--rank", String.valueOf(rank)));
    arguments.addAll(List.of("--ports", joined(ports)));
    arguments.addAll(List.of("--bytes", joined(sizes)));
    arguments.addAll(List.of("--settle-seconds", String.valueOf(settleSeconds)));
    if (encrypt) {
      arguments.add("--encrypt");
    }
    if (aeronDirectory != null) {
      arguments.addAll(List.of("--aeron-directory", aeronDirectory.toString()));
    }
    return arguments;
  }

  private static String joined(List<Integer> numbers) {
    return numbers.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  /** One rank's part of all measurements. */
  static void measure(Fabric fabric, List<Integer> sizes, int settleSeconds, Listener listener) {
    CollectiveBenchmark.settle(fabric, settleSeconds);
    for (Collective collective : CollectiveBenchmark.COLLECTIVES) {
      for (int bytes : sizes) {
        listener.measured(collective, bytes, CollectiveBenchmark.time(collective, fabric, bytes));
      }
    }
  }

  private void report(Collective collective, Transport transport, int bytes, long[] nanos) {
    Result r = CollectiveBenchmark.result(collective, transport.label(), ranks, bytes, nanos);
    results
        .addObject()
        .put("collective", r.collective())
        .put("transport", r.transport())
        .put("ranks", r.ranks())
        .put("bytes", r.bytes())
        .put("medianMicros", r.medianMicros())
        .put("busGigabytesPerSecond", r.busGigabytesPerSecond());
    output.say(
        String.format(
            Locale.ROOT,
            "%-14s %-10s %2d ranks %10d bytes %12.1f us %8.3f GB/s",
            r.collective(),
            r.transport(),
            r.ranks(),
            r.bytes(),
            r.medianMicros(),
            r.busGigabytesPerSecond()));
  }
}
