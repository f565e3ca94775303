package io.tandem.worker.node;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.Behaviors;
import akka.remote.RemoteTransportException;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Remoting;
import io.tandem.worker.train.AttemptRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A worker in this JVM: one actor system that is no member of the coordinator's cluster, so that a
 * pause here never moves anything there. Several may share a JVM. Thread-safe.
 */
public final class WorkerNode implements AutoCloseable {
  private final String workerId;
  private final ActorSystem<Void> system;
  private final CompletableFuture<ActorRef<Object>> actor;
  private final CompletableFuture<String> refusal;
  private final Readiness readiness;

  private WorkerNode(
      String workerId,
      ActorSystem<Void> system,
      CompletableFuture<ActorRef<Object>> actor,
      CompletableFuture<String> refusal,
      Readiness readiness) {
    this.workerId = workerId;
    this.system = system;
    this.actor = actor;
    this.refusal = refusal;
    this.readiness = readiness;
  }

  /**
   * Starts a worker; it registers in the background for as long as the coordinator is away.
   *
   * @throws IllegalStateException when a port cannot be bound or the directory cannot be written
   */
  public static WorkerNode start(WorkerSettings settings, AttemptRun.Starter starter) {
    return start(settings, starter, new ClusterClock());
  }

  /** The same with a clock, which will go as the coordinator's does. */
  public static WorkerNode start(
      WorkerSettings settings, AttemptRun.Starter starter, ClusterClock clock) {
    WorkerSettings bound =
        settings.dataPort() == 0 ? settings.withDataPort(freeUdpPort()) : settings;
    StartChecks.dataPort(bound.host(), bound.dataPort());
    StartChecks.directory(bound.directory());
    String suffix = UUID.randomUUID().toString().substring(0, 8);
    String workerId = bound.host() + "-" + ProcessHandle.current().pid() + "-" + suffix;
    Register registration = registration(bound, workerId);
    CompletableFuture<ActorRef<Object>> actor = new CompletableFuture<>();
    CompletableFuture<String> refusal = new CompletableFuture<>();
    Readiness readiness = new Readiness();
    Behavior<Void> guardian =
        Behaviors.setup(
            context -> {
              ActorRef<Object> worker =
                  context.spawn(
                      WorkerActor.create(bound, registration, starter, clock, readiness, refusal),
                      "worker");
              context.watch(worker);
              actor.complete(worker);
              return Behaviors.receive(Void.class)
                  .onSignal(Terminated.class, over -> ended(over, refusal))
                  .build();
            });
    return new WorkerNode(workerId, system(guardian, bound), actor, refusal, readiness);
  }

  /** What a worker says of itself when nothing runs there. */
  static Register registration(WorkerSettings settings, String workerId) {
    return Register.newBuilder()
        .setProtocolVersion(ProtocolVersion.PROTOCOL_VERSION)
        .setWorkerId(workerId)
        .setHost(settings.host())
        .setDataPort(settings.dataPort())
        .setDriver(settings.driver())
        .setSlots(settings.slots())
        .setMemoryBytes(settings.memoryBytes())
        .setDevice(settings.device())
        .setProcessors(Runtime.getRuntime().availableProcessors())
        .setVersion(settings.version())
        .setMetricsPort(settings.metricsPort())
        .setPool(settings.pool())
        .build();
  }

  static ActorSystem<Void> system(Behavior<Void> guardian, WorkerSettings settings) {
    try {
      return ActorSystem.create(guardian, "tandem-worker", config(settings));
    } catch (RemoteTransportException e) {
      throw new IllegalStateException(
          "the control plane cannot use TCP port %d of %s: choose a free port, and an address of this host (%s)"
              .formatted(settings.controlPort(), settings.host(), e.getMessage()),
          e);
    }
  }

  /** Unique in the cluster: host, process and a random suffix. */
  public String workerId() {
    return workerId;
  }

  /**
   * Why the worker is of no use, for people: no coordinator has registered it, or one refuses it.
   * Empty once it is registered, also while the coordinator is away.
   */
  public String obstacle() {
    return readiness.obstacle();
  }

  private static Behavior<Void> ended(Terminated over, CompletableFuture<String> refusal) {
    if (over instanceof ChildFailed failed) {
      refusal.completeExceptionally(failed.getCause());
    }
    return Behaviors.stopped();
  }

  /**
   * Completes when the worker has ended: with the reason when the coordinator refused it, empty
   * when it left as asked, exceptionally when the worker itself failed.
   */
  public CompletionStage<Optional<String>> ended() {
    return system
        .getWhenTerminated()
        .thenCompose(
            done -> {
              refusal.complete(null); // unless it is known better
              return refusal.thenApply(Optional::ofNullable);
            });
  }

  /** Asks the worker to save, to take leave and to end; returns at once. */
  public void leave() {
    actor.thenAccept(worker -> worker.tell(WorkerActor.Own.Leave.LEAVE));
  }

  /** Leaves, and waits until the worker has ended somehow; the drain time bounds it. */
  @Override
  public void close() {
    leave();
    system.getWhenTerminated().toCompletableFuture().join();
  }

  private static int freeUdpPort() {
    try (DatagramSocket socket = new DatagramSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free UDP port", e);
    }
  }

  private static Config config(WorkerSettings settings) {
    Map<String, Object> values =
        Remoting.settings(settings.host(), settings.controlPort(), settings.certificates());
    values.put("akka.actor.provider", "remote");
    values.put("akka.loggers", java.util.List.of("akka.event.slf4j.Slf4jLogger"));
    values.put("akka.logging-filter", "akka.event.slf4j.Slf4jLoggingFilter");
    values.put("akka.stdout-loglevel", "OFF");
    values.put("akka.remote.warn-about-direct-use", "off");
    values.put("akka.remote.warn-unsafe-watch-outside-cluster", "off");
    return ConfigFactory.parseMap(values).withFallback(ConfigFactory.load());
  }
}
