package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.ClusterSingleton;
import akka.cluster.typed.Join;
import akka.cluster.typed.SingletonActor;
import akka.remote.RemoteTransportException;
import com.typesafe.config.ConfigFactory;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.job.JobSpec;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The coordinator's actor system: the {@link JobManager} as a cluster singleton, and the gateway
 * {@code /user/gateway} that workers write to. Thread-safe.
 */
public final class ControlPlane implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final ActorSystem<Void> system;
  private final ActorRef<JobMessage> manager;

  private ControlPlane(ActorSystem<Void> system, ActorRef<JobMessage> manager) {
    this.system = system;
    this.manager = manager;
  }

  /**
   * Starts it.
   *
   * @param store owned by the caller, closed after this
   * @param host the address that workers reach, and that is listened on
   * @param port TCP; 0 takes any that is free
   */
  public static ControlPlane start(Store store, JobTiming timing, String host, int port) {
    CompletableFuture<ActorRef<JobMessage>> ready = new CompletableFuture<>();
    Behavior<Void> guardian =
        Behaviors.<Void>setup(
            context -> {
              var backoff =
                  SupervisorStrategy.restartWithBackoff(
                      Duration.ofMillis(500), Duration.ofSeconds(10), 0.1);
              ActorRef<JobMessage> singleton =
                  ClusterSingleton.get(context.getSystem())
                      .init(
                          SingletonActor.of(
                              Behaviors.supervise(JobManager.create(store, timing, Clocks.system()))
                                  .onFailure(Exception.class, backoff),
                              "jobs"));
              context.spawn(
                  Behaviors.receive(Object.class)
                      .onAnyMessage(
                          message -> {
                            singleton.tell(new JobMessage.FromWorker(message));
                            return Behaviors.same();
                          })
                      .build(),
                  "gateway");
              ready.complete(singleton);
              return Behaviors.empty();
            });
    ActorSystem<Void> system = system(guardian, host, port);
    Cluster cluster = Cluster.get(system);
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    try {
      ControlPlane plane = new ControlPlane(system, ready.get(20, TimeUnit.SECONDS));
      plane.overview().toCompletableFuture().get(30, TimeUnit.SECONDS);
      return plane;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      system.terminate();
      throw new IllegalStateException("interrupted while the control plane started", e);
    } catch (ExecutionException | TimeoutException e) {
      system.terminate();
      throw new IllegalStateException("the control plane did not start", e);
    }
  }

  private static ActorSystem<Void> system(Behavior<Void> guardian, String host, int port) {
    try {
      return ActorSystem.create(
          guardian,
          "tandem",
          ConfigFactory.parseMap(settings(host, port)).withFallback(ConfigFactory.load()));
    } catch (RemoteTransportException e) {
      throw new IllegalStateException(
          "workers cannot be served on %s:%d: choose a free port, and an address of this host (%s)"
              .formatted(host, port, e.getMessage()),
          e);
    }
  }

  private static Map<String, Object> settings(String host, int port) {
    Map<String, Object> values = new HashMap<>();
    values.put("akka.actor.provider", "cluster");
    values.put("akka.actor.allow-java-serialization", "off");
    values.put("akka.remote.artery.transport", "tcp");
    values.put("akka.remote.artery.canonical.hostname", host);
    values.put("akka.remote.artery.canonical.port", port);
    values.put("akka.remote.artery.bind.bind-timeout", "30s"); // a host that is very busy
    values.put("akka.remote.artery.advanced.maximum-frame-size", "2 MiB");
    values.put("akka.cluster.jmx.enabled", "off");
    values.put(
        "akka.cluster.downing-provider-class", "akka.cluster.sbr.SplitBrainResolverProvider");
    values.put("akka.cluster.run-coordinated-shutdown-when-down", "off");
    values.put("akka.coordinated-shutdown.run-by-jvm-shutdown-hook", "off");
    values.put("akka.coordinated-shutdown.exit-jvm", "off");
    values.put("akka.jvm-shutdown-hooks", "off");
    values.put("akka.http.server.server-header", "tandem");
    values.put("akka.http.server.parsing.max-content-length", "64m");
    values.put("akka.http.server.idle-timeout", "120s");
    // Who sends nonsense is told so, and cannot fill the log with it.
    values.put("akka.http.server.parsing.error-logging-verbosity", "off");
    values.put("akka.http.server.parsing.illegal-header-warnings", "off");
    return values;
  }

  /** The actor system, for the REST server. */
  public ActorSystem<Void> system() {
    return system;
  }

  /** The TCP port that workers reach. */
  public int port() {
    return Cluster.get(system).selfMember().address().getPort().orElseThrow();
  }

  /**
   * Stores a job; it is durable when the answer comes. Fails with a {@link
   * akka.pattern.StatusReply.ErrorMessage} when it cannot be stored.
   */
  public CompletionStage<JobMessage.Submitted> submit(
      JobSpec spec, String json, String idempotencyKey) {
    return AskPattern.askWithStatus(
        manager,
        replyTo -> new JobMessage.Submit(spec, json, idempotencyKey, replyTo),
        PATIENCE,
        system.scheduler());
  }

  /** Does what people ask of a job. */
  public CompletionStage<JobMessage.Answer> ask(String jobId, JobMessage.Wish wish) {
    return ask(jobId, wish, null);
  }

  /** As {@link #ask(String, JobMessage.Wish)}, on another mesh when that is not null. */
  public CompletionStage<JobMessage.Answer> ask(
      String jobId, JobMessage.Wish wish, JobMessage.Remesh mesh) {
    return AskPattern.askWithStatus(
        manager,
        replyTo -> new JobMessage.Ask(jobId, wish, mesh, replyTo),
        PATIENCE,
        system.scheduler());
  }

  /** How the cluster stands. */
  public CompletionStage<JobMessage.Overview> overview() {
    return AskPattern.ask(manager, JobMessage.Look::new, PATIENCE, system.scheduler());
  }

  /** Stops the actors; running attempts go on without a coordinator. */
  @Override
  public void close() {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("the control plane did not stop", e);
    }
  }
}
