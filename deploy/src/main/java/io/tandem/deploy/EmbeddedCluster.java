package io.tandem.deploy;

import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.PoolName;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.metrics.Meters;
import io.tandem.worker.fabric.Preflight;
import io.tandem.worker.metrics.HostMetrics;
import io.tandem.worker.metrics.MetricsServer;
import io.tandem.worker.metrics.WorkerMetrics;
import io.tandem.worker.node.WorkerNode;
import io.tandem.worker.node.WorkerSettings;
import io.tandem.worker.train.AttemptRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A coordinator and a worker for every replica, all in this JVM on free loopback ports. Replicas
 * are different workers, so what they exchange goes the way it goes between processes. Thread-safe.
 */
final class EmbeddedCluster implements AutoCloseable {
  private static final String HOST = "127.0.0.1";

  private final CoordinatorServer coordinator;
  private final Meters meters = new Meters();
  private final List<WorkerNode> workers = new ArrayList<>();
  private MetricsServer metrics;
  private HostMetrics space;
  private boolean closed;

  private EmbeddedCluster(CoordinatorServer coordinator) {
    this.coordinator = coordinator;
  }

  /**
   * Starts a cluster with exactly the slots of that mesh.
   *
   * @param directory where the store, checkpoints and models go
   * @param pool that its workers are of; empty for the default one
   * @throws CommandException when it cannot be started; says why
   */
  static EmbeddedCluster start(Path directory, Mesh mesh, String pool, AttemptRun.Starter starter) {
    try {
      return started(directory, mesh, pool, starter);
    } catch (IllegalStateException | UncheckedIOException e) {
      throw new CommandException(
          ExitCode.FAILED, "the cluster in this process cannot start: " + e.getMessage());
    }
  }

  private static EmbeddedCluster started(
      Path directory, Mesh mesh, String pool, AttemptRun.Starter starter) {
    CoordinatorServer coordinator =
        CoordinatorServer.start(CoordinatorSettings.embedded(directory.resolve("store")));
    EmbeddedCluster cluster = new EmbeddedCluster(coordinator);
    try {
      cluster.metrics = new MetricsServer(cluster.meters, HOST, 0);
      WorkerMetrics workerMetrics = new WorkerMetrics(cluster.meters, System::currentTimeMillis);
      AttemptRun.Starter measured = workerMetrics.around(starter);
      Path checkpoints = directory.resolve("checkpoints").toAbsolutePath();
      cluster.space =
          HostMetrics.start(
              cluster.meters, workerMetrics, checkpoints, Preflight.memoryDirectory(null));
      int processors = Runtime.getRuntime().availableProcessors() / mesh.replicas();
      WorkerSettings settings =
          WorkerSettings.local(
                  List.of(InetSocketAddress.createUnresolved(HOST, coordinator.controlPort())),
                  mesh.shards(),
                  HOST,
                  checkpoints,
                  processors)
              .with(0, 0, null, cluster.metrics.port())
              .with(PoolName.orDefault(pool));
      for (int replica = 0; replica < mesh.replicas(); replica++) {
        cluster.workers.add(WorkerNode.start(settings, measured));
      }
      return cluster;
    } catch (IOException e) {
      cluster.close();
      throw new UncheckedIOException(e.getMessage(), e);
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** Its REST address. */
  URI address() {
    return URI.create("http://" + HOST + ":" + coordinator.restPort());
  }

  /** Where the workers' metrics are; they share this process, and so one registry. */
  URI workerMetricsAddress() {
    return URI.create("http://" + HOST + ":" + metrics.port() + "/metrics");
  }

  /** The workers' metrics at this moment, in Prometheus' text format. */
  String workerMetrics() {
    return meters.scrape();
  }

  TandemClient client() {
    return new TandemClient(address(), "");
  }

  /**
   * Lets the workers save and leave, then ends the coordinator, also on an interrupted thread,
   * which stays interrupted. A second call does nothing.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    boolean interrupted = Thread.interrupted();
    workers.forEach(WorkerNode::leave);
    workers.forEach(WorkerNode::close);
    coordinator.close();
    if (metrics != null) {
      metrics.close();
    }
    if (space != null) {
      space.close();
    }
    meters.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
