package io.tandem.worker.node;

import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import com.google.protobuf.MessageLite;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.HeartbeatAck;
import io.tandem.protocol.control.PeerProbe;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopAttempt;
import io.tandem.protocol.control.StopMode;
import io.tandem.worker.train.AttemptRun;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks with a coordinator; never computes. Registers until one answers, sends heartbeats, starts
 * and stops attempts as told, and passes on what they report. When the one it speaks to falls
 * silent it goes on to the next; while none answers the attempts go on, and what they report is
 * kept.
 *
 * <p>Takes the messages of {@code control.proto} as they come off the wire, and its own {@link
 * Own}.
 */
final class WorkerActor extends AbstractBehavior<Object> {
  /** What this actor tells itself, or hears from this process. */
  sealed interface Own {
    /** Time to register, or to show that this worker lives. */
    enum Beat implements Own {
      BEAT
    }

    /** Time to send again what was not acknowledged. */
    enum Resend implements Own {
      RESEND
    }

    /** Stop everything, then leave. */
    enum Leave implements Own {
      LEAVE
    }

    /** The time for leaving politely is over. */
    enum Hurry implements Own {
      HURRY
    }

    /** An attempt has something to report; number, time and worker are still missing. */
    record Happened(AttemptKey attempt, Report.Builder report) implements Own {}
  }

  private static final Logger LOG = LoggerFactory.getLogger(WorkerActor.class);
  private static final Duration RESEND = Duration.ofSeconds(2);
  private static final Duration FLUSH = Duration.ofSeconds(5);

  /** Where there are several coordinators, one has so long to answer. */
  private static final Duration TRY = Duration.ofSeconds(2);

  private final WorkerSettings settings;
  private final String workerId;
  private final Register registration;
  private final Gateways gateways;
  private final TimerScheduler<Object> timers;
  private final CompletableFuture<String> refusal;
  private final ClusterClock clock;
  private final Readiness readiness;
  private final Outbox outbox = new Outbox();
  private final Attempts attempts;
  private final Silence silence;
  private final Executor blocking;

  private boolean registered;
  private long round = 1;
  private long triedNanos = System.nanoTime();
  private boolean leaving;
  private boolean hurried;

  private WorkerActor(
      ActorContext<Object> context,
      TimerScheduler<Object> timers,
      WorkerSettings settings,
      Register registration,
      AttemptRun.Starter starter,
      ClusterClock clock,
      Readiness readiness,
      CompletableFuture<String> refusal) {
    super(context);
    this.clock = clock;
    this.readiness = readiness;
    this.timers = timers;
    this.settings = settings;
    this.workerId = registration.getWorkerId();
    this.registration = registration;
    this.refusal = refusal;
    this.silence = new Silence(settings.silence(), System.nanoTime());
    this.blocking =
        context.getSystem().dispatchers().lookup(akka.actor.typed.DispatcherSelector.blocking());
    this.attempts =
        new Attempts(
            settings,
            workerId,
            starter,
            (key, report) -> context.getSelf().tell(new Own.Happened(key, report)));
    this.gateways = new Gateways(Adapter.toClassic(context.getSystem()), settings.coordinators());
    timers.startTimerWithFixedDelay(Own.Beat.BEAT, Duration.ZERO, Duration.ofSeconds(1));
    timers.startTimerWithFixedDelay(Own.Resend.RESEND, RESEND);
  }

  /**
   * The worker's behaviour.
   *
   * @param registration all but the running attempts, the oldest report and the reply address
   * @param clock is told what coordinators say, and asked for reports
   * @param readiness is told when the coordinator wants this worker, and when not
   * @param refusal completed with the reason when the coordinator does not want this worker
   */
  static Behavior<Object> create(
      WorkerSettings settings,
      Register registration,
      AttemptRun.Starter starter,
      ClusterClock clock,
      Readiness readiness,
      CompletableFuture<String> refusal) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new WorkerActor(
                        context,
                        timers,
                        settings,
                        registration,
                        starter,
                        clock,
                        readiness,
                        refusal)));
  }

  @Override
  public Receive<Object> createReceive() {
    return newReceiveBuilder()
        .onMessageEquals(Own.Beat.BEAT, this::onBeat)
        .onMessageEquals(Own.Resend.RESEND, this::onResend)
        .onMessageEquals(Own.Leave.LEAVE, this::onLeave)
        .onMessageEquals(Own.Hurry.HURRY, this::onHurry)
        .onMessage(Own.Happened.class, this::onHappened)
        .onMessage(Registered.class, this::onRegistered)
        .onMessage(Refused.class, this::onRefused)
        .onMessage(HeartbeatAck.class, this::onHeartbeatAck)
        .onMessage(Acknowledged.class, this::onAcknowledged)
        .onMessage(StartAttempt.class, this::onStart)
        .onMessage(StopAttempt.class, this::onStop)
        .onSignal(PostStop.class, stopped -> onStopped())
        .build();
  }

  /** However this actor ends, nothing goes on that nobody watches. */
  private Behavior<Object> onStopped() {
    attempts.stopAll(StopMode.ABANDON);
    return this;
  }

  private Behavior<Object> onBeat() {
    attempts.check(System.nanoTime());
    long now = System.nanoTime();
    if (registered && silence.length(now).compareTo(settings.silence()) > 0) {
      LOG.warn("the coordinator is silent for {}; registering again", settings.silence());
      registered = false;
      round++;
      advance();
    }
    if (registered) {
      heartbeat();
    } else {
      register();
      if (silence.isToBeTold(now)) {
        complain(silence.length(now).toSeconds());
      }
    }
    return this;
  }

  /** Says why, as far as a connection tells; that takes seconds, which this actor has not. */
  private void complain(long seconds) {
    blocking.execute(
        () -> {
          List<String> addresses = new ArrayList<>();
          for (InetSocketAddress address : settings.coordinators()) {
            String trouble = PeerProbe.trouble(address, settings.certificates());
            String name = address.getHostString() + ":" + address.getPort();
            addresses.add(trouble.isEmpty() ? name : name + " (" + trouble + ")");
          }
          LOG.warn(
              "no coordinator has answered at {} for {} s; worker {} tries on",
              String.join(", ", addresses),
              seconds,
              workerId);
        });
  }

  private void advance() {
    gateways.advance();
    triedNanos = System.nanoTime();
  }

  private void heartbeat() {
    tell(
        Heartbeat.newBuilder()
            .setWorkerId(workerId)
            .addAllRunning(attempts.running())
            .setLeaving(leaving)
            .setRound(round)
            .build());
  }

  private void register() {
    if (System.nanoTime() - triedNanos > TRY.toNanos()) {
      advance();
    }
    tell(
        registration.toBuilder()
            .setReplyTo(
                akka.actor.typed.ActorRefResolver.get(getContext().getSystem())
                    .toSerializationFormat(getContext().getSelf()))
            .addAllRunning(attempts.running())
            .setLeaving(leaving)
            .setRound(round)
            .setGateway(gateways.current())
            .build());
  }

  private Behavior<Object> onRegistered(Registered message) {
    silence.heard(System.nanoTime());
    clock.heard(message.getNowMillis());
    gateways.answered(message.getGateway());
    if (!registered) {
      LOG.info(
          "worker {} registered at {} with {} slots",
          workerId,
          gateways.current(),
          settings.slots());
    }
    registered = true;
    readiness.registered();
    if (message.getHeartbeatMillis() > 0) {
      Duration beat = Duration.ofMillis(message.getHeartbeatMillis());
      timers.startTimerWithFixedDelay(Own.Beat.BEAT, beat);
    }
    send(outbox.again());
    return this;
  }

  private Behavior<Object> onRefused(Refused message) {
    LOG.error("the coordinator refuses this worker: {}", message.getReason());
    readiness.refused(message.getReason());
    refusal.complete(message.getReason());
    return Behaviors.stopped();
  }

  private Behavior<Object> onHeartbeatAck(HeartbeatAck message) {
    silence.heard(System.nanoTime());
    clock.heard(message.getNowMillis());
    return this;
  }

  private Behavior<Object> onAcknowledged(Acknowledged message) {
    silence.heard(System.nanoTime());
    outbox.acknowledge(message.getUpToSequence());
    send(outbox.next());
    return leaveWhenDone();
  }

  private Behavior<Object> onHappened(Own.Happened message) {
    if (message.report().hasStarted()) {
      attempts.started(message.attempt());
    }
    if (message.report().hasEnded()) {
      attempts.ended(message.attempt());
    }
    outbox.add(message.report().setWorkerId(workerId).setTimeMillis(clock.now()));
    send(outbox.next());
    return leaveWhenDone();
  }

  private Behavior<Object> onResend() {
    send(outbox.again());
    return this;
  }

  private Behavior<Object> onStart(StartAttempt message) {
    if (leaving) {
      heartbeat(); // the coordinator has not heard of it, and would place the job here again
    }
    attempts.start(message);
    return this;
  }

  private Behavior<Object> onStop(StopAttempt message) {
    attempts.stop(new AttemptKey(message.getJobId(), message.getAttempt()), message.getMode());
    return this;
  }

  private Behavior<Object> onLeave() {
    if (!leaving) {
      leaving = true;
      LOG.info("worker {} leaves: state {}", workerId, attempts.state());
      heartbeat(); // place nothing here any more
      attempts.drain();
      timers.startSingleTimer(Own.Hurry.HURRY, settings.drain());
    }
    return leaveWhenDone();
  }

  /** First what still runs is abandoned; a little later the worker goes, whatever is unsaid. */
  private Behavior<Object> onHurry() {
    if (hurried) {
      LOG.warn("leaving although attempts or reports are left");
      return goodbye();
    }
    hurried = true;
    attempts.stopAll(StopMode.ABANDON);
    timers.startSingleTimer(Own.Hurry.HURRY, FLUSH);
    return leaveWhenDone();
  }

  private Behavior<Object> leaveWhenDone() {
    if (!leaving || attempts.state() != NodeState.DRAINING || !attempts.isEmpty()) {
      return this;
    }
    if (registered && !outbox.isEmpty() && !hurried) {
      hurried = true;
      timers.startSingleTimer(Own.Hurry.HURRY, FLUSH);
      return this;
    }
    return registered && !outbox.isEmpty() ? this : goodbye();
  }

  private Behavior<Object> goodbye() {
    heartbeat();
    return Behaviors.stopped();
  }

  private void send(Reports batch) {
    if (registered && batch.getReportsCount() > 0) {
      tell(batch);
    }
  }

  private void tell(MessageLite message) {
    gateways.tell(message);
  }
}
