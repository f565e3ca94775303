package io.tandem.deploy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.worker.collective.CollectiveBenchmark;
import io.tandem.worker.collective.CollectiveBenchmark.Collective;
import io.tandem.worker.collective.CollectiveBenchmark.Result;
import io.tandem.worker.fabric.LoopbackWorld;
import io.tandem.worker.fabric.LoopbackWorld.Transport;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem bench collectives}: the data plane on this machine. */
@Command(
    name = "collectives",
    description =
        "Times all-reduce, reduce-scatter, all-gather and halo exchange between ranks of this process"
            + " over each transport; bus bandwidth as nccl-tests defines it.")
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
      description = "Sizes (TANDEM_BENCH_BYTES; ${DEFAULT-VALUE}).")
  List<Integer> sizes;

  @Override
  public Integer call() throws InterruptedException {
    if (ranks < 2 || ranks > 64 || sizes.stream().anyMatch(bytes -> bytes < 1)) {
      throw new CommandException(
          ExitCode.USAGE, "--ranks " + ranks + ": allowed are 2 to 64; --bytes: at least 1");
    }
    ObjectNode object = new ObjectMapper().createObjectNode();
    ArrayNode results = object.putArray("results");
    for (String label : transports) {
      Transport transport =
          Arrays.stream(Transport.values())
              .filter(t -> t.label().equals(label))
              .findFirst()
              .orElseThrow(
                  () ->
                      new CommandException(
                          ExitCode.USAGE,
                          "--transports " + label + ": allowed are in-process, ipc, udp"));
      try (LoopbackWorld world = LoopbackWorld.open(transport, ranks)) {
        for (Collective collective : Collective.values()) {
          for (int bytes : sizes) {
            Result r = CollectiveBenchmark.run(collective, transport.label(), world.ranks(), bytes);
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
      }
    }
    output.object(object);
    return ExitCode.SUCCEEDED;
  }
}
