package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.job.PoolName;
import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinitions;
import io.tandem.worker.fabric.Preflight;
import io.tandem.worker.metrics.HostMetrics;
import io.tandem.worker.metrics.MetricsServer;
import io.tandem.worker.metrics.WorkerMetrics;
import io.tandem.worker.node.ClusterClock;
import io.tandem.worker.node.WorkerNode;
import io.tandem.worker.node.WorkerSettings;
import io.tandem.worker.storage.Storage;
import io.tandem.worker.train.AttemptRun;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.function.DoubleSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem worker}: runs until it is told to leave, or refused. */
@Command(
    name = "worker",
    description = "Offers slots to a coordinator; ends when told to (SIGTERM, Ctrl-C) or refused.")
final class WorkerCommand implements Callable<Integer> {
  @Mixin Output output;

  @Mixin PeerTlsOptions peerTls;

  @Option(
      names = "--slots",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_SLOTS:-1}",
      description = "Ranks hosted at one time (TANDEM_SLOTS; ${DEFAULT-VALUE}).")
  int slots;

  @Option(
      names = "--pool",
      paramLabel = "NAME",
      defaultValue = "${env:TANDEM_POOL:-" + PoolName.DEFAULT + "}",
      description = {
        "The pool of alike workers that this one is of (TANDEM_POOL; ${DEFAULT-VALUE}).",
        "A job runs in one pool: in any, or in the one that it names."
      })
  String pool;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_THREADS:-0}",
      description = "Compute threads a slot, 0 for this machine's cores / slots (TANDEM_THREADS).")
  int threads;

  @Option(
      names = "--coordinator",
      paramLabel = "HOST:PORT[,HOST:PORT...]",
      split = ",",
      defaultValue = "${env:TANDEM_COORDINATOR:-127.0.0.1:25520}",
      description = {
        "The coordinators' control planes (TANDEM_COORDINATOR; ${DEFAULT-VALUE}).",
        "Each is tried in turn, and so is each address of a name, until one answers."
      })
  List<String> coordinators;

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = "${env:TANDEM_HOST:-127.0.0.1}",
      description = "How others reach this worker (TANDEM_HOST; ${DEFAULT-VALUE}).")
  String host;

  @Option(
      names = "--control-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_CONTROL_PORT:-0}",
      description = "TCP port of the control plane, 0 for a free one (TANDEM_CONTROL_PORT).")
  int controlPort;

  @Option(
      names = "--data-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_DATA_PORT:-0}",
      description = "UDP port of the data plane, 0 for a free one (TANDEM_DATA_PORT).")
  int dataPort;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_DIRECTORY:-tandem-checkpoints}",
      description =
          "Checkpoints and models, a directory that all workers see or s3://BUCKET/PREFIX"
              + " (TANDEM_DIRECTORY; ${DEFAULT-VALUE}).")
  String directory;

  @Option(
      names = "--aeron-directory",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_AERON_DIRECTORY:-}",
      description = "An external media driver's directory (TANDEM_AERON_DIRECTORY).")
  String aeronDirectory;

  @Option(
      names = "--metrics-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_METRICS_PORT:-0}",
      description =
          "GET /metrics for Prometheus, GET /ready for probes; 0 for a free port"
              + " (TANDEM_METRICS_PORT).")
  int metricsPort;

  @Option(
      names = "--drain-seconds",
      paramLabel = "S",
      defaultValue = "${env:TANDEM_DRAIN_SECONDS:-30}",
      description = {
        "How long attempts may take to save when this worker is told to end (TANDEM_DRAIN_SECONDS;",
        "${DEFAULT-VALUE}). Let who ends it wait 15 s longer before it kills."
      })
  int drainSeconds;

  private final AttemptRun.Starter starter;

  WorkerCommand(AttemptRun.Starter starter) {
    this.starter = starter;
  }

  @Override
  public Integer call() {
    List<InetSocketAddress> addresses = HostPort.unresolved("--coordinator", coordinators);
    if (addresses.isEmpty()) {
      throw new CommandException(ExitCode.USAGE, "--coordinator: give at least one HOST:PORT");
    }
    if (!PoolName.isValid(pool)) {
      throw new CommandException(
          ExitCode.USAGE,
          "--pool %s: give a name of at most 63 small letters, digits and '-' that begins with a letter and does not end with '-'"
              .formatted(pool));
    }
    require("--slots", slots, 1, 1024);
    require("--threads", threads, 0, 1024);
    require("--control-port", controlPort, 0, 65535);
    require("--data-port", dataPort, 0, 65535);
    require("--metrics-port", metricsPort, 0, 65535);
    require("--drain-seconds", drainSeconds, 1, 86_400);
    Path aeron = aeronDirectory.isEmpty() ? null : Path.of(aeronDirectory);
    try (Meters meters = new Meters();
        MetricsServer metrics = new MetricsServer(meters, host, metricsPort)) {
      PeerCertificates proof = peerTls.certificates();
      if (proof != null) {
        meters.watch(MetricDefinitions.CERTIFICATE_EXPIRY, expiry(proof), "control");
      }
      ClusterClock clock = new ClusterClock();
      WorkerMetrics measured = new WorkerMetrics(meters, clock::now);
      Path memory = Preflight.memoryDirectory(aeron);
      Path checkpoints = checkpoints();
      try (HostMetrics space = HostMetrics.start(meters, measured, checkpoints, memory)) {
        return work(addresses, checkpoints, aeron, metrics, clock, measured.around(starter), proof);
      }
    } catch (IOException e) {
      throw new CommandException(ExitCode.FAILED, e.getMessage());
    }
  }

  /** Files may have changed since they were verified. */
  private static DoubleSupplier expiry(PeerCertificates proof) {
    try {
      return proof.expiry();
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    }
  }

  private Path checkpoints() {
    try {
      return Storage.path(directory).toAbsolutePath();
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE, "--directory %s: %s".formatted(directory, e.getMessage()));
    }
  }

  private int work(
      List<InetSocketAddress> addresses,
      Path checkpoints,
      Path aeron,
      MetricsServer metrics,
      ClusterClock clock,
      AttemptRun.Starter measured,
      PeerCertificates proof) {
    int processors = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads * slots;
    WorkerSettings settings;
    WorkerNode node;
    try {
      settings =
          WorkerSettings.local(addresses, slots, host, checkpoints, processors)
              .with(controlPort, dataPort, aeron, metrics.port())
              .with(proof, Duration.ofSeconds(drainSeconds))
              .with(pool);
      node = WorkerNode.start(settings, measured, clock);
      metrics.readiness(node::obstacle);
    } catch (IllegalStateException e) {
      throw new CommandException(ExitCode.FAILED, "the worker cannot start: " + e.getMessage());
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> leave(node), "leave"));
    String scraped = "http://" + host + ":" + metrics.port() + "/metrics";
    output.object(
        JsonNodeFactory.instance
            .objectNode()
            .put("id", node.workerId())
            .put("pool", pool)
            .put("slots", slots)
            .put("threads", settings.threads())
            .put("metrics", scraped));
    output.say(
        "worker %s with %d slots of %d threads"
            .formatted(node.workerId(), slots, settings.threads()));
    output.say("metrics " + scraped);
    String trouble = trouble(node);
    if (!trouble.isEmpty()) {
      throw new CommandException(ExitCode.FAILED, trouble);
    }
    return ExitCode.SUCCEEDED;
  }

  /** A signal's own exit code would hide from who sent it whether the worker left as asked. */
  private static void leave(WorkerNode node) {
    node.close();
    Runtime.getRuntime().halt(trouble(node).isEmpty() ? ExitCode.SUCCEEDED : ExitCode.FAILED);
  }

  /** Waits for the worker's end; empty when it left as asked. */
  private static String trouble(WorkerNode node) {
    try {
      Optional<String> refusal = node.ended().toCompletableFuture().join();
      return refusal.map(reason -> "the coordinator refuses this worker: " + reason).orElse("");
    } catch (CompletionException e) {
      return "the worker failed: " + e.getCause();
    }
  }

  static void require(String option, int given, int least, int most) {
    if (given < least || given > most) {
      throw new CommandException(
          ExitCode.USAGE, "%s %d: allowed are %d to %d".formatted(option, given, least, most));
    }
  }
}
