package io.tandem.coordinator;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.google.protobuf.Message;
import com.typesafe.config.ConfigFactory;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopAttempt;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A worker process for tests: an actor system of its own that says what the test wants. */
public final class FakeWorker implements AutoCloseable {
  private final LinkedBlockingQueue<Message> inbox = new LinkedBlockingQueue<>();
  private final ActorSystem<Message> system;
  private final akka.actor.ActorSelection gateway;
  private final String id;
  private final int slots;
  private final Set<RunningAttempt> running = ConcurrentHashMap.newKeySet();
  private volatile boolean beating;
  private long sequence;
  private long time;
  private Reports last;

  public FakeWorker(int coordinatorPort, String id, int slots) {
    this.id = id;
    this.slots = slots;
    this.system =
        ActorSystem.create(
            Behaviors.receive(Message.class)
                .onAnyMessage(
                    message -> {
                      if (message instanceof StartAttempt start) {
                        running.add(running(start));
                      }
                      inbox.add(message);
                      return Behaviors.same();
                    })
                .build(),
            "fake-worker",
            ConfigFactory.parseMap(
                    Map.of(
                        "akka.actor.provider", "remote",
                        "akka.remote.artery.transport", "tcp",
                        "akka.remote.artery.canonical.hostname", "127.0.0.1",
                        "akka.remote.artery.canonical.port", 0,
                        "akka.remote.warn-about-direct-use", "off"))
                .withFallback(ConfigFactory.load()));
    this.gateway =
        system
            .classicSystem()
            .actorSelection("akka://tandem@127.0.0.1:" + coordinatorPort + "/user/gateway");
    Duration often = Duration.ofMillis(200);
    system
        .scheduler()
        .scheduleAtFixedRate(often, often, this::heartbeat, system.executionContext());
  }

  public static RunningAttempt running(StartAttempt start) {
    return RunningAttempt.newBuilder()
        .setJobId(start.getJobId())
        .setAttempt(start.getAttempt())
        .build();
  }

  /** From now on no heartbeat is sent: the worker hangs. */
  public void hang() {
    beating = false;
  }

  /** From now on heartbeats tell that attempt too. */
  public void says(RunningAttempt attempt) {
    running.add(attempt);
  }

  /** From now on heartbeats do not tell that attempt. */
  public void endsRunning(RunningAttempt attempt) {
    running.remove(attempt);
  }

  /** The first registration also starts the heartbeats, which tell what was started. */
  public Register.Builder registration(RunningAttempt... taken) {
    running.addAll(List.of(taken));
    beating = true;
    ActorRef<Message> self = system;
    return Register.newBuilder()
        .setProtocolVersion(ProtocolVersion.PROTOCOL_VERSION)
        .setWorkerId(id)
        .setHost("127.0.0.1")
        .setDataPort(4000)
        .setSlots(slots)
        .addAllRunning(running)
        .setReplyTo(ActorRefResolver.get(system).toSerializationFormat(self));
  }

  public void send(Object message) {
    gateway.tell(message, akka.actor.ActorRef.noSender());
  }

  private void heartbeat() {
    if (beating) {
      send(Heartbeat.newBuilder().setWorkerId(id).addAllRunning(running).build());
    }
  }

  /** No two reports have the same time. */
  public void report(StartAttempt start, Report.Builder report) {
    time = Math.max(time + 1, System.currentTimeMillis());
    last =
        Reports.newBuilder()
            .addReports(
                report
                    .setWorkerId(id)
                    .setSequence(++sequence)
                    .setTimeMillis(time)
                    .setJobId(start.getJobId())
                    .setAttempt(start.getAttempt()))
            .build();
    send(last);
  }

  /** Sends the last report once more, as a worker does that got no answer. */
  public void repeat() {
    send(last);
  }

  /** The next message of that class; others before it are dropped. */
  public <T extends Message> T expect(Class<T> type) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (true) {
      Message message = inbox.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (message == null) {
        throw new AssertionError("no " + type.getSimpleName() + " came to " + id);
      }
      if (type.isInstance(message)) {
        return type.cast(message);
      }
    }
  }

  public StopAttempt expectStop() throws InterruptedException {
    return expect(StopAttempt.class);
  }

  @Override
  public void close() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
  }
}
