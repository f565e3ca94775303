package io.tandem.deploy;

import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.node.WorkerNode;
import io.tandem.worker.node.WorkerSettings;
import io.tandem.worker.train.AttemptRun;
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
  private final List<WorkerNode> workers;
  private boolean closed;

  private EmbeddedCluster(CoordinatorServer coordinator, List<WorkerNode> workers) {
    this.coordinator = coordinator;
    this.workers = workers;
  }

  /**
   * Starts a cluster with exactly the slots of that mesh.
   *
   * @param directory where the store, checkpoints and models go
   */
  static EmbeddedCluster start(Path directory, Mesh mesh, AttemptRun.Starter starter) {
    CoordinatorServer coordinator =
        CoordinatorServer.start(CoordinatorSettings.embedded(directory.resolve("store")));
    List<WorkerNode> workers = new ArrayList<>();
    try {
      int processors = Runtime.getRuntime().availableProcessors() / mesh.replicas();
      WorkerSettings settings =
          WorkerSettings.local(
              HOST,
              coordinator.controlPort(),
              mesh.shards(),
              HOST,
              directory.resolve("checkpoints").toAbsolutePath(),
              processors);
      for (int replica = 0; replica < mesh.replicas(); replica++) {
        workers.add(WorkerNode.start(settings, starter));
      }
      return new EmbeddedCluster(coordinator, workers);
    } catch (RuntimeException e) {
      new EmbeddedCluster(coordinator, workers).close();
      throw e;
    }
  }

  /** Its REST address. */
  URI address() {
    return URI.create("http://" + HOST + ":" + coordinator.restPort());
  }

  TandemClient client() {
    return new TandemClient(address(), "");
  }

  /** Closes it when the process is told to end. */
  EmbeddedCluster closedOnExit() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "close"));
    return this;
  }

  /** Lets the workers save and leave, then ends the coordinator. A second call does nothing. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    workers.forEach(WorkerNode::leave);
    workers.forEach(WorkerNode::close);
    coordinator.close();
  }
}
