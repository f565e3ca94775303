package io.tandem.worker.node;

import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.job.PoolName;
import io.tandem.worker.fabric.DriverName;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What one worker offers and where it finds its coordinators.
 *
 * @param coordinators control addresses, unresolved, at least one; any of them will do
 * @param slots ranks that this worker hosts at most at one time, at least 1
 * @param host the address under which others reach this worker, for control and data alike
 * @param controlPort TCP port of the control plane; 0 takes a free one
 * @param dataPort UDP port of the data plane; 0 takes a free one
 * @param driver names the media driver; equal for workers that share one
 * @param aeronDirectory an external media driver's directory, or null for an embedded one
 * @param directory where checkpoints and models go unless the job says otherwise; seen by every
 *     worker
 * @param threads compute threads a rank, at least 1
 * @param memoryBytes memory offered to jobs
 * @param device {@code cpu} or the GPU's name
 * @param metricsPort Prometheus endpoint, 0 when off
 * @param version of the program
 * @param silence without an answer for so long, the worker registers anew
 * @param drain how long attempts may take to stop when the worker leaves
 * @param pool the worker pool that this is of, as {@link PoolName} allows
 * @param certificates for mutual TLS with coordinators, or null for none
 */
public record WorkerSettings(
    List<InetSocketAddress> coordinators,
    int slots,
    String host,
    int controlPort,
    int dataPort,
    String driver,
    Path aeronDirectory,
    Path directory,
    int threads,
    long memoryBytes,
    String device,
    int metricsPort,
    String version,
    Duration silence,
    Duration drain,
    String pool,
    PeerCertificates certificates) {

  public WorkerSettings {
    coordinators = List.copyOf(coordinators);
    if (coordinators.isEmpty()) {
      throw new IllegalArgumentException("a worker needs the address of a coordinator");
    }
    if (slots < 1) {
      throw new IllegalArgumentException("slots " + slots + ": a worker offers at least 1");
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads " + threads + ": a rank needs at least 1");
    }
    if (!PoolName.isValid(pool)) {
      throw new IllegalArgumentException("pool " + pool + ": a name matches " + PoolName.PATTERN);
    }
  }

  /**
   * A worker of the default pool on this machine's CPU with free ports, 5 s of patience and 30 s to
   * drain.
   *
   * @param processors cores that its slots share
   */
  public static WorkerSettings local(
      List<InetSocketAddress> coordinators,
      int slots,
      String host,
      Path directory,
      int processors) {
    return new WorkerSettings(
        coordinators,
        slots,
        host,
        0,
        0,
        DriverName.embedded(),
        null,
        directory,
        Math.max(1, processors / Math.max(1, slots)),
        Runtime.getRuntime().maxMemory(),
        "cpu",
        0,
        ProtocolVersion.release(),
        Duration.ofSeconds(4),
        Duration.ofSeconds(30),
        PoolName.DEFAULT,
        null);
  }

  /**
   * The same with other ports, or with an external media driver when {@code aeron} is not null.
   *
   * @throws IllegalStateException where no media driver is at work there
   */
  public WorkerSettings with(int control, int data, Path aeron, int metrics) {
    return new WorkerSettings(
        coordinators,
        slots,
        host,
        control,
        data,
        aeron == null ? driver : DriverName.external(host, aeron),
        aeron,
        directory,
        threads,
        memoryBytes,
        device,
        metrics,
        version,
        silence,
        drain,
        pool,
        certificates);
  }

  /** The same with mutual TLS, null being without, and another time to drain. */
  public WorkerSettings with(PeerCertificates proof, Duration longest) {
    return new WorkerSettings(
        coordinators,
        slots,
        host,
        controlPort,
        dataPort,
        driver,
        aeronDirectory,
        directory,
        threads,
        memoryBytes,
        device,
        metricsPort,
        version,
        silence,
        longest,
        pool,
        proof);
  }

  /** The same in another pool. */
  public WorkerSettings with(String other) {
    return new WorkerSettings(
        coordinators,
        slots,
        host,
        controlPort,
        dataPort,
        driver,
        aeronDirectory,
        directory,
        threads,
        memoryBytes,
        device,
        metricsPort,
        version,
        silence,
        drain,
        other,
        certificates);
  }

  /** The same with another data port. */
  WorkerSettings withDataPort(int port) {
    return with(controlPort, port, aeronDirectory, metricsPort);
  }
}
