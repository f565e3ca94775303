package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.pattern.StatusReply;
import io.tandem.coordinator.store.Leadership;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoreUnavailableException;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ActOnJob;
import io.tandem.protocol.control.ClusterView;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.JobActed;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.SubmitJob;
import io.tandem.protocol.control.ViewCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Runs the jobs: one message at a time goes to the desk that answers it, and soon after the waiting
 * jobs are looked at. Decisions are those of each job's {@link JobState}. When the manager fails,
 * for example because the disk is full, it starts again from the store; workers register anew and
 * send again what was not acknowledged. With each start it takes the lead in the store: when
 * another manager has taken it since, its next write fails with {@link
 * io.tandem.coordinator.store.FencedException}, and so does it.
 *
 * <p>Takes the messages of {@code control.proto} from workers and coordinators as they come off the
 * wire, and its own {@link Tick}.
 */
public final class JobManager extends AbstractBehavior<Object> {
  /** Look who is silent. */
  enum Tick {
    TICK
  }

  /** Store what workers have said since, and start what can be started. */
  enum Work {
    WORK
  }

  /** So many reports are stored at once, however many more there are. */
  private static final int MANY_REPORTS = 2_000;

  private final Leadership leadership;
  private final Ledger ledger;
  private final WorkerDesk workerDesk;
  private final JobDesk jobDesk;
  private final Placements placements;
  private final ActorRefResolver resolver;
  private final List<SubmitJob> submitted = new ArrayList<>();
  private final List<Reports> said = new ArrayList<>();
  private int reportsSaid;
  private boolean due;

  /**
   * A manager over that store.
   *
   * @param holder names this process to others
   * @param encryptsFrames whether attempts get a key for their data plane
   */
  public static Behavior<Object> create(
      Store store, String holder, JobTiming timing, boolean encryptsFrames, Clocks clocks) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  timers.startTimerWithFixedDelay(Tick.TICK, timing.tick());
                  return new JobManager(context, store, holder, timing, encryptsFrames, clocks);
                }));
  }

  private JobManager(
      ActorContext<Object> context,
      Store store,
      String holder,
      JobTiming timing,
      boolean encryptsFrames,
      Clocks clocks) {
    super(context);
    context.setLoggerName(JobManager.class);
    this.leadership = store.lead(holder);
    this.resolver = ActorRefResolver.get(context.getSystem());
    // Of several coordinators each has a clock of its own; what the next leader reads is the
    // database's.
    Clocks shared = store.isShared() ? new Clocks(leadership::now, clocks.steady()) : clocks;
    this.ledger = new Ledger(leadership, shared, encryptsFrames);
    this.workerDesk = new WorkerDesk(ledger, timing, context.getLog());
    this.jobDesk = new JobDesk(ledger);
    this.placements = new Placements(ledger);
    int found = ledger.jobs().all().size();
    if (store.isShared()) {
      context.getLog().info("{} leads in epoch {}", holder, leadership.epoch());
    }
    if (found > 0) {
      context.getLog().info("{} jobs found in the store", found);
    }
  }

  @Override
  public Receive<Object> createReceive() {
    return newReceiveBuilder()
        .onMessage(Register.class, this::register)
        .onMessage(Heartbeat.class, this::heartbeat)
        .onMessage(Reports.class, this::reports)
        .onMessage(Tick.class, tick -> tick())
        .onMessage(Work.class, work -> work())
        .onMessage(SubmitJob.class, this::submit)
        .onMessage(ActOnJob.class, this::act)
        .onMessage(ViewCluster.class, this::view)
        .onSignal(PreRestart.class, restart -> submitAgain())
        .onSignal(PostStop.class, stopped -> stopped())
        .build();
  }

  private Behavior<Object> register(Register register) {
    workerDesk.register(register, resolver.resolveActorRef(register.getReplyTo()));
    return workSoon();
  }

  private Behavior<Object> heartbeat(Heartbeat heartbeat) {
    return workerDesk.heartbeat(heartbeat) ? workSoon() : this;
  }

  private Behavior<Object> reports(Reports reports) {
    said.add(reports);
    reportsSaid += reports.getReportsCount();
    return reportsSaid < MANY_REPORTS ? workSoon() : work();
  }

  /**
   * After the messages that are there by now: a transaction waits for the disk, and a look at the
   * queue takes its time, so many messages share one of each.
   */
  private Behavior<Object> workSoon() {
    if (!due) {
      due = true;
      getContext().getSelf().tell(Work.WORK);
    }
    return this;
  }

  private Behavior<Object> work() {
    due = false;
    storeSubmitted();
    workerDesk.reports(said);
    said.clear();
    reportsSaid = 0;
    placements.schedule();
    return this;
  }

  private Behavior<Object> tick() {
    leadership.renew();
    workerDesk.tick();
    ledger.removeEnded();
    return workSoon();
  }

  private Behavior<Object> submit(SubmitJob submit) {
    submitted.add(submit);
    return workSoon();
  }

  private void storeSubmitted() {
    List<SubmitJob> all = List.copyOf(submitted);
    submitted.clear();
    List<String> askers = all.stream().map(SubmitJob::getReplyTo).toList();
    List<JobSubmitted> answers = answer(askers, () -> jobDesk.submit(all));
    for (int i = 0; i < answers.size(); i++) {
      tell(askers.get(i), StatusReply.success(answers.get(i)));
    }
  }

  private Behavior<Object> act(ActOnJob act) {
    JobActed answer = answer(List.of(act.getReplyTo()), () -> jobDesk.act(act));
    Behavior<Object> next = workSoon(); // before who asked can ask again
    tell(act.getReplyTo(), StatusReply.success(answer));
    return next;
  }

  /** Who asked hears of a failure too, before this manager starts again. */
  private <T> T answer(List<String> askers, Supplier<T> work) {
    try {
      return work.get();
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      Object failure =
          StatusReply.error(
              "the store fails, so most likely nothing was changed (look, or ask again with the same"
                  + " Idempotency-Key): "
                  + cause.getMessage());
      askers.forEach(asker -> tell(asker, failure));
      throw e;
    }
  }

  private Behavior<Object> view(ViewCluster view) {
    ClusterView.Builder answer = ClusterView.newBuilder();
    for (String job : view.getJobsList()) {
      placements.missing(job).ifPresent(missing -> answer.putMissing(job, missing));
    }
    if (!view.getMissingOnly()) {
      overview(answer);
    }
    tell(view.getReplyTo(), StatusReply.success(answer.build()));
    return this;
  }

  private void overview(ClusterView.Builder answer) {
    answer
        .setRecoveries(placements.recoveries())
        .setQueueMillis(Overviews.queueMillis(ledger))
        .setLeader(getContext().getSystem().address().toString())
        .setNow(ledger.now());
    for (StoredJob job : ledger.jobs().all()) {
      String state = job.status().state();
      answer.putJobs(state, 1 + answer.getJobsOrDefault(state, 0));
      if (Overviews.isPlaced(job)) {
        answer.addPlaced(job.header().id());
      }
    }
    Map<String, Integer> used = ledger.usedSlots();
    Map<String, List<String>> hosted = Overviews.hosted(ledger);
    for (Workers.Worker worker : ledger.workers().all()) {
      List<String> jobs = hosted.getOrDefault(worker.registration.getWorkerId(), List.of());
      answer.addWorkers(Overviews.view(worker, used, jobs, ledger));
    }
  }

  private void tell(String replyTo, Object message) {
    ActorRef<Object> asker = resolver.resolveActorRef(replyTo);
    asker.tell(message);
  }

  /** Something else failed before these were stored: they wait for the manager that follows. */
  private Behavior<Object> submitAgain() {
    submitted.forEach(getContext().getSelf()::tell);
    return this;
  }

  /** The next leader need not wait to see whether this one lives. */
  private Behavior<Object> stopped() {
    submitted.forEach(
        submit ->
            tell(
                submit.getReplyTo(),
                StatusReply.error("not stored: this coordinator leads no longer; try again")));
    try {
      leadership.resign();
    } catch (StoreUnavailableException e) {
      getContext().getLog().warn("the lead is left to lapse: {}", e.getMessage());
    }
    return this;
  }
}
