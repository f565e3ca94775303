package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.pattern.StatusReply;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Reports;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Runs the jobs: one message at a time goes to the desk that answers it, and after each the waiting
 * jobs are looked at. Decisions are those of each job's {@link JobState}. When the manager fails,
 * for example because the disk is full, it starts again from the store; workers register anew and
 * send again what was not acknowledged.
 */
public final class JobManager extends AbstractBehavior<JobMessage> {
  private final Ledger ledger;
  private final WorkerDesk workerDesk;
  private final JobDesk jobDesk;
  private final Placements placements;
  private final ActorRefResolver resolver;

  /** A manager over that store. */
  public static Behavior<JobMessage> create(Store store, JobTiming timing, Clocks clocks) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  timers.startTimerWithFixedDelay(JobMessage.Tick.TICK, timing.tick());
                  return new JobManager(context, store, timing, clocks);
                }));
  }

  private JobManager(
      ActorContext<JobMessage> context, Store store, JobTiming timing, Clocks clocks) {
    super(context);
    context.setLoggerName(JobManager.class);
    this.resolver = ActorRefResolver.get(context.getSystem());
    this.ledger = new Ledger(store, clocks);
    this.workerDesk = new WorkerDesk(ledger, timing, context.getLog());
    this.jobDesk = new JobDesk(ledger);
    this.placements = new Placements(ledger);
    if (!ledger.jobs().isEmpty()) {
      context.getLog().info("{} jobs found in the store", ledger.jobs().size());
    }
  }

  @Override
  public Receive<JobMessage> createReceive() {
    return newReceiveBuilder()
        .onMessage(JobMessage.FromWorker.class, message -> fromWorker(message.message()))
        .onMessage(JobMessage.Tick.class, tick -> tick())
        .onMessage(JobMessage.Submit.class, this::submit)
        .onMessage(JobMessage.Ask.class, this::ask)
        .onMessage(JobMessage.Look.class, this::look)
        .build();
  }

  private Behavior<JobMessage> fromWorker(Object message) {
    if (message instanceof Register register) {
      workerDesk.register(register, resolver.resolveActorRef(register.getReplyTo()));
    } else if (message instanceof Heartbeat heartbeat) {
      workerDesk.heartbeat(heartbeat);
    } else if (message instanceof Reports reports) {
      workerDesk.reports(reports);
    } else {
      getContext().getLog().warn("{} is not for the gateway", message.getClass().getName());
    }
    placements.schedule();
    return this;
  }

  private Behavior<JobMessage> tick() {
    workerDesk.tick();
    ledger.removeEnded();
    placements.schedule();
    return this;
  }

  private Behavior<JobMessage> submit(JobMessage.Submit submit) {
    return answer(submit.replyTo(), () -> jobDesk.submit(submit));
  }

  private Behavior<JobMessage> ask(JobMessage.Ask ask) {
    return answer(ask.replyTo(), () -> jobDesk.ask(ask));
  }

  /** Who asked hears of a failure too, before this manager starts again. */
  private <T> Behavior<JobMessage> answer(ActorRef<StatusReply<T>> replyTo, Supplier<T> work) {
    T answer;
    try {
      answer = work.get();
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      replyTo.tell(
          StatusReply.error("nothing was changed, the store fails: " + cause.getMessage()));
      throw e;
    }
    placements.schedule();
    replyTo.tell(StatusReply.success(answer));
    return this;
  }

  private Behavior<JobMessage> look(JobMessage.Look look) {
    Map<String, Integer> byState = new TreeMap<>();
    ledger.jobs().forEach(job -> byState.merge(job.status().state(), 1, Integer::sum));
    Map<String, Integer> used = ledger.usedSlots();
    List<JobMessage.WorkerView> views =
        ledger.workers().all().stream()
            .map(worker -> Overviews.view(worker, used, ledger))
            .toList();
    look.replyTo()
        .tell(
            new JobMessage.Overview(
                views,
                Map.copyOf(placements.missing()),
                byState,
                placements.recoveries(),
                Overviews.placed(ledger),
                Overviews.queueMillis(ledger),
                getContext().getSystem().address().toString(),
                ledger.now()));
    return this;
  }
}
