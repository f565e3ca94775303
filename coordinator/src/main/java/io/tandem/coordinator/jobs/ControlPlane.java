package io.tandem.coordinator.jobs;

import akka.actor.BootstrapSetup;
import akka.actor.setup.ActorSystemSetup;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.Props;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.ClusterSingleton;
import akka.cluster.typed.SelfRemoved;
import akka.cluster.typed.SingletonActor;
import akka.cluster.typed.Subscribe;
import akka.pattern.StatusReply;
import akka.remote.RemoteTransportException;
import com.typesafe.config.Config;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.control.ActOnJob;
import io.tandem.protocol.control.ClusterView;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.JobActed;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Remesh;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.SubmitJob;
import io.tandem.protocol.control.ViewCluster;
import io.tandem.protocol.control.Wish;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * The coordinator's actor system: a member of the cluster of all coordinators, of which one hosts
 * the {@link JobManager}, and the gateway {@code /user/gateway} that workers write to. What is
 * asked here is answered by that one, wherever it is; who asks while there is none waits a while.
 * Thread-safe.
 */
public final class ControlPlane implements AutoCloseable {
  /** What is done for people may wait for the next leader. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** What is only shown does not. */
  private static final Duration LOOK = Duration.ofSeconds(3);

  /** Where the manager, and what decides who leads, wait for the store. */
  static final String DISPATCHER = "tandem.control-dispatcher";

  private final Store store;
  private final ActorSystem<Void> system;
  private final Formation formation;
  private final Membership membership;
  private final ActorRef<Object> manager;
  private final CompletableFuture<String> steppedDown;

  private ControlPlane(
      Store store,
      ActorSystem<Void> system,
      Formation formation,
      String holder,
      ActorRef<Object> manager,
      CompletableFuture<String> steppedDown) {
    this.store = store;
    this.system = system;
    this.formation = formation;
    this.membership = new Membership(system, store, holder);
    this.manager = manager;
    this.steppedDown = steppedDown;
  }

  /**
   * Starts it; nothing is asked or written before {@link #join}.
   *
   * @param store owned by the caller, closed after this
   * @param host the address that workers and coordinators reach, and that is listened on
   * @param port TCP; 0 takes any that is free
   */
  public static ControlPlane start(
      Store store,
      JobTiming timing,
      String host,
      int port,
      Formation formation,
      Protection protection) {
    Config config =
        ClusterConfig.of(host, port, formation, store.isShared(), protection.certificates());
    return start(store, timing, formation, protection.encryptsFrames(), config);
  }

  static ControlPlane start(
      Store store, JobTiming timing, Formation formation, boolean encryptsFrames, Config config) {
    String unique = UUID.randomUUID().toString().substring(0, 8);
    CompletableFuture<ActorRef<Object>> ready = new CompletableFuture<>();
    CompletableFuture<String> steppedDown = new CompletableFuture<>();
    CompletableFuture<String> holder = new CompletableFuture<>();
    Behavior<Void> guardian =
        Behaviors.<Void>setup(
            context -> {
              Cluster cluster = Cluster.get(context.getSystem());
              String name = cluster.selfMember().address().hostPort() + "#" + unique;
              holder.complete(name);
              ActorRef<Object> singleton =
                  ClusterSingleton.get(context.getSystem())
                      .init(
                          SingletonActor.of(
                                  supervised(
                                      JobManager.create(
                                          store, name, timing, encryptsFrames, Clocks.system()),
                                      steppedDown),
                                  "jobs")
                              .withProps(Props.empty().withDispatcherFromConfig(DISPATCHER)));
              context.spawn(gateway(singleton), "gateway");
              ActorRef<SelfRemoved> removed = context.spawn(removed(steppedDown), "removed");
              cluster.subscriptions().tell(Subscribe.create(removed, SelfRemoved.class));
              ready.complete(singleton);
              return Behaviors.empty();
            });
    ActorSystem<Void> system = system(guardian, store, config);
    try {
      ActorRef<Object> manager = ready.get(20, TimeUnit.SECONDS);
      return new ControlPlane(store, system, formation, holder.join(), manager, steppedDown);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      system.terminate();
      throw new IllegalStateException("interrupted while the control plane started", e);
    } catch (ExecutionException | TimeoutException e) {
      system.terminate();
      throw new IllegalStateException("the control plane did not start", e);
    }
  }

  private static ActorSystem<Void> system(Behavior<Void> guardian, Store store, Config config) {
    try {
      return ActorSystem.create(
          guardian,
          "tandem",
          ActorSystemSetup.create(BootstrapSetup.create(config), new StoreLease.Source(store)));
    } catch (RemoteTransportException e) {
      throw new IllegalStateException(
          "workers cannot be served on %s:%d: choose a free port, and an address of this host (%s)"
              .formatted(
                  config.getString("akka.remote.artery.canonical.hostname"),
                  config.getInt("akka.remote.artery.canonical.port"),
                  e.getMessage()),
          e);
    }
  }

  /**
   * Starts a manager again when it fails, of which {@link Fence} tells, and stops it when it leads
   * no more.
   */
  static Behavior<Object> supervised(
      Behavior<Object> manager, CompletableFuture<String> steppedDown) {
    var backoff =
        SupervisorStrategy.restartWithBackoff(Duration.ofMillis(500), Duration.ofSeconds(5), 0.1)
            .withLoggingEnabled(false);
    return Behaviors.supervise(Fence.around(manager, steppedDown::complete))
        .onFailure(Exception.class, backoff);
  }

  /** Lets through what is a worker's to say, to whoever leads. */
  private static Behavior<Object> gateway(ActorRef<Object> manager) {
    return Behaviors.receive(
        (context, message) -> {
          if (message instanceof Register
              || message instanceof Heartbeat
              || message instanceof Reports) {
            manager.tell(message);
          } else {
            context.getLog().warn("{} is not for the gateway", message.getClass().getName());
          }
          return Behaviors.same();
        });
  }

  private static Behavior<SelfRemoved> removed(CompletableFuture<String> steppedDown) {
    return Behaviors.receiveMessage(
        message -> {
          steppedDown.complete("the other coordinators went on without this one");
          return Behaviors.same();
        });
  }

  /**
   * Joins the other coordinators, once the store is open; with {@link Formation.Alone} returns when
   * the manager answers.
   *
   * @throws IllegalStateException when the store belongs to another coordinator, or nobody answers
   */
  public void join() throws InterruptedException {
    membership.join(formation);
    if (formation instanceof Formation.Alone) {
      try {
        view(Duration.ofSeconds(30), ViewCluster.newBuilder())
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw new IllegalStateException("the control plane did not start", e);
      }
    }
  }

  /** The actor system, for the REST server. */
  public ActorSystem<Void> system() {
    return system;
  }

  /** Whether this coordinator is one of the cluster that a leader is chosen from. */
  public boolean isMember() {
    return Cluster.get(system).selfMember().status().equals(MemberStatus.up());
  }

  /** The TCP port that workers reach. */
  public int port() {
    return Cluster.get(system).selfMember().address().getPort().orElseThrow();
  }

  /** This actor system's address, as the leader's is told. */
  public String address() {
    return system.address().toString();
  }

  /**
   * Completes with the reason when this coordinator may not go on: another one took the lead while
   * this one had it, or it was cut off from the others. It is to be closed then, and another
   * started in its place.
   */
  public CompletionStage<String> steppedDown() {
    return steppedDown;
  }

  /**
   * Stores a job; it is durable when the answer comes.
   *
   * @param json the job file as canonical JSON
   * @param idempotencyKey as the user gave it, or null
   * @return fails with a {@link StatusReply.ErrorMessage} when it cannot be stored
   * @throws io.tandem.coordinator.store.StoreUnavailableException when nothing can be stored now
   */
  public CompletionStage<JobSubmitted> submit(String json, String idempotencyKey) {
    store.check();
    SubmitJob.Builder submit = SubmitJob.newBuilder().setJob(json);
    if (idempotencyKey != null) {
      submit.setIdempotencyKey(idempotencyKey);
    }
    return ask(PATIENCE, replyTo -> submit.setReplyTo(replyTo).build());
  }

  /**
   * Does what people ask of a job, on another mesh when that is not null.
   *
   * @throws io.tandem.coordinator.store.StoreUnavailableException when nothing can be stored now
   */
  public CompletionStage<JobActed> act(String jobId, Wish wish, Remesh mesh) {
    store.check();
    ActOnJob.Builder act = ActOnJob.newBuilder().setJobId(jobId).setWish(wish);
    if (mesh != null) {
      act.setMesh(mesh);
    }
    return ask(PATIENCE, replyTo -> act.setReplyTo(replyTo).build());
  }

  /** How the cluster stands; fails soon where nobody leads. */
  public CompletionStage<ClusterView> view() {
    return view(List.of());
  }

  /** The same, with what those of the jobs that wait are waiting for. */
  public CompletionStage<ClusterView> view(Collection<String> jobIds) {
    return view(LOOK, ViewCluster.newBuilder().addAllJobs(jobIds));
  }

  /** By id, what those of the jobs that wait are waiting for; empty where nobody leads. */
  public CompletionStage<Map<String, String>> missing(Collection<String> jobIds) {
    return view(LOOK, ViewCluster.newBuilder().addAllJobs(jobIds).setMissingOnly(true))
        .thenApply(ClusterView::getMissingMap)
        .exceptionally(nobodyLeads -> Map.of());
  }

  private CompletionStage<ClusterView> view(Duration patience, ViewCluster.Builder view) {
    return ask(patience, replyTo -> view.setReplyTo(replyTo).build());
  }

  private <T> CompletionStage<T> ask(Duration patience, Function<String, Object> question) {
    ActorRefResolver resolver = ActorRefResolver.get(system);
    return AskPattern.<Object, T>askWithStatus(
        manager,
        (ActorRef<StatusReply<T>> replyTo) ->
            question.apply(resolver.toSerializationFormat(replyTo)),
        patience,
        system.scheduler());
  }

  /** Stops the actors; running attempts go on without this coordinator, and another may lead. */
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
