package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.placement.GangScheduler;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.HeartbeatAck;
import io.tandem.protocol.control.Leaving;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StopAttempt;
import io.tandem.protocol.control.StopMode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.LongSupplier;

/**
 * Runs the jobs: turns messages into events of each job's {@link JobState}, stores what comes of
 * them, and only then acts and answers. One at a time owns the store. When it fails, for example
 * because the disk is full, it starts again from the store; workers register anew and send again
 * what was not acknowledged.
 */
public final class JobManager extends AbstractBehavior<JobMessage> {
  private final Store store;
  private final JobTiming timing;
  private final LongSupplier clock;
  private final ActorRefResolver resolver;
  private final String coordinatorId = UUID.randomUUID().toString();
  private final Map<String, StoredJob> jobs = new TreeMap<>();
  private final Map<String, Long> stored = new HashMap<>();
  private final Workers workers = new Workers();
  private final long startedAt;
  private Map<String, String> missing = Map.of();
  private long recoveries;

  /** A manager over that store; {@code clock} gives milliseconds since 1970. */
  public static Behavior<JobMessage> create(Store store, JobTiming timing, LongSupplier clock) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> {
                  timers.startTimerWithFixedDelay(JobMessage.Tick.TICK, timing.tick());
                  return new JobManager(context, store, timing, clock);
                }));
  }

  private JobManager(
      ActorContext<JobMessage> context, Store store, JobTiming timing, LongSupplier clock) {
    super(context);
    context.setLoggerName(JobManager.class);
    this.store = store;
    this.timing = timing;
    this.clock = clock;
    this.resolver = ActorRefResolver.get(context.getSystem());
    this.startedAt = clock.getAsLong();
    // A member counts as lost at heard + lost: this gives it the longer time to register again.
    long expected = startedAt + timing.readopt().minus(timing.lost()).toMillis();
    for (StoredJob job : store.read(reader -> reader.unfinished())) {
      jobs.put(job.header().id(), job);
      job.status()
          .active()
          .forEach(w -> workers.expect(job.header().id(), job.status().attempt(), w, expected));
    }
    if (!jobs.isEmpty()) {
      context.getLog().info("{} jobs found in the store", jobs.size());
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
      register(register);
    } else if (message instanceof Heartbeat heartbeat) {
      heartbeat(heartbeat);
    } else if (message instanceof Reports reports) {
      reports(reports);
    } else if (message instanceof Leaving leaving) {
      leaving(leaving.getWorkerId());
    } else {
      getContext().getLog().warn("{} is not for the gateway", message.getClass().getName());
    }
    return this;
  }

  private void register(Register register) {
    ActorRef<Object> worker = resolver.resolveActorRef(register.getReplyTo());
    if (register.getProtocolVersion() != ProtocolVersion.PROTOCOL_VERSION) {
      String reason =
          "worker %s (%s) speaks protocol version %d, this coordinator %d: run the same release"
              .formatted(
                  register.getWorkerId(),
                  register.getVersion(),
                  register.getProtocolVersion(),
                  ProtocolVersion.PROTOCOL_VERSION);
      getContext().getLog().warn(reason);
      worker.tell(Refused.newBuilder().setReason(reason).build());
      return;
    }
    if (register.getSlots() < 1 || register.getWorkerId().isBlank()) {
      worker.tell(
          Refused.newBuilder()
              .setReason("given " + register.getSlots() + " slots; at least 1 is needed")
              .build());
      return;
    }
    if (workers.find(register.getWorkerId()).isEmpty()) {
      getContext()
          .getLog()
          .info("worker {} registers {} slots", register.getWorkerId(), register.getSlots());
    }
    workers.register(register, worker, clock.getAsLong());
    worker.tell(
        Registered.newBuilder()
            .setWorkerId(register.getWorkerId())
            .setCoordinatorId(coordinatorId)
            .setHeartbeatMillis((int) timing.heartbeat().toMillis())
            .build());
    correct(register.getWorkerId(), register.getRunningList());
    schedule();
  }

  private void heartbeat(Heartbeat heartbeat) {
    String id = heartbeat.getWorkerId();
    boolean known = workers.heartbeat(id, heartbeat.getRunningList(), clock.getAsLong());
    if (known) {
      tell(id, HeartbeatAck.newBuilder().setCoordinatorId(coordinatorId).setKnown(true).build());
      correct(id, heartbeat.getRunningList());
    }
    // Who is not known has no address here; unanswered heartbeats make it register again.
  }

  /** Ends what a worker runs and should not: the order may have been lost, or is long past. */
  private void correct(String workerId, List<RunningAttempt> running) {
    for (RunningAttempt attempt : running) {
      StoredJob job = jobs.get(attempt.getJobId());
      boolean current =
          job != null
              && job.status().attempt() == attempt.getAttempt()
              && job.status().active().contains(workerId);
      Optional<StopMode> mode =
          current ? StoredJobs.state(job.status()).wantedStop() : Optional.of(StopMode.ABANDON);
      mode.ifPresent(
          wanted -> tell(workerId, stop(attempt.getJobId(), attempt.getAttempt(), wanted)));
    }
  }

  private void reports(Reports reports) {
    if (reports.getReportsCount() == 0) {
      return;
    }
    String workerId = reports.getReports(0).getWorkerId();
    long last = stored.computeIfAbsent(workerId, id -> store.read(r -> r.acknowledged(id)));
    JobBatch batch = new JobBatch(jobs, clock.getAsLong());
    long next = last;
    for (Report report : reports.getReportsList()) {
      if (report.getSequence() > next) {
        ReportReader.read(report, batch);
        next = report.getSequence();
      }
    }
    if (next > last) {
      long upTo = next;
      batch.write(w -> w.acknowledged(workerId, upTo));
      carryOut(batch.commit(store));
      stored.put(workerId, upTo);
    }
    tell(workerId, Acknowledged.newBuilder().setUpToSequence(next).build());
    schedule();
  }

  private void leaving(String workerId) {
    workers.find(workerId).ifPresent(worker -> worker.leaving = true);
    JobBatch batch = new JobBatch(jobs, clock.getAsLong());
    jobs.keySet().forEach(id -> batch.apply(id, new JobEvent.Draining(workerId)));
    carryOut(batch.commit(store));
  }

  private Behavior<JobMessage> tick() {
    long silentBefore = clock.getAsLong() - timing.lost().toMillis();
    JobBatch batch = new JobBatch(jobs, clock.getAsLong());
    for (String workerId : workers.removeSilent(silentBefore)) {
      getContext().getLog().warn("worker {} is lost: no heartbeat", workerId);
    }
    jobs.forEach(
        (id, job) -> {
          int attempt = job.status().attempt();
          for (String worker : job.status().active()) {
            if (workers.heardRunning(id, attempt, worker) < silentBefore) {
              String text =
                  "worker %s was not heard to run attempt %d for %d s"
                      .formatted(worker, attempt, timing.lost().toSeconds());
              batch.apply(id, new JobEvent.Lost(attempt, worker, text));
            }
          }
        });
    carryOut(batch.commit(store));
    jobs.values()
        .removeIf(
            job ->
                job.status().active().isEmpty()
                    && JobState.Status.valueOf(job.status().state()).isEnd());
    workers.keepOnly(jobs.keySet());
    schedule();
    return this;
  }

  /** Starts all gangs for which there are slots now. */
  private void schedule() {
    List<GangScheduler.Waiting> queue =
        jobs.values().stream()
            .filter(job -> StoredJobs.state(job.status()).isPlaceable())
            .map(StoredJob::header)
            .map(h -> new GangScheduler.Waiting(h.id(), h.number(), h.replicas(), h.shards()))
            .toList();
    if (queue.isEmpty()) {
      missing = Map.of();
      return;
    }
    List<GangScheduler.Holding> holding =
        jobs.values().stream()
            .filter(job -> !job.status().active().isEmpty())
            .map(StoredJob::header)
            .map(h -> new GangScheduler.Holding(h.number(), h.replicas() * h.shards()))
            .toList();
    GangScheduler.Plan plan = GangScheduler.plan(queue, holding, workers.slots(usedSlots()));
    missing = plan.missing();
    JobBatch batch = new JobBatch(jobs, clock.getAsLong());
    plan.gangs().forEach((jobId, workerByRank) -> place(jobId, workerByRank, batch));
    carryOut(batch.commit(store));
  }

  private void place(String jobId, List<String> workerByRank, JobBatch batch) {
    if (jobs.get(jobId).status().state().equals(JobState.Status.RECOVERING.name())) {
      recoveries++;
    }
    batch.apply(jobId, new JobEvent.Placed(new TreeSet<>(workerByRank)));
    int attempt = batch.job(jobId).orElseThrow().status().attempt();
    long now = clock.getAsLong();
    batch.write(w -> w.insert(new Rows.Attempt(jobId, attempt, workerByRank, now)));
  }

  private Map<String, Integer> usedSlots() {
    Map<String, Integer> used = new HashMap<>();
    for (StoredJob job : jobs.values()) {
      if (!job.status().active().isEmpty()) {
        workerByRank(job).stream()
            .filter(job.status().active()::contains)
            .forEach(worker -> used.merge(worker, 1, Integer::sum));
      }
    }
    return used;
  }

  private List<String> workerByRank(StoredJob job) {
    return store
        .read(reader -> reader.attempt(job.header().id(), job.status().attempt()))
        .map(Rows.Attempt::workerByRank)
        .orElse(List.of());
  }

  private void carryOut(List<JobBatch.Order> orders) {
    for (JobBatch.Order order : orders) {
      String jobId = order.job().header().id();
      if (order.command() instanceof JobCommand.Start start) {
        List<String> workerByRank = workerByRank(order.job());
        List<Rows.Checkpoint> checkpoints = store.read(reader -> reader.checkpoints(jobId));
        Object message =
            StartMessages.start(order.job(), start.attempt(), workerByRank, workers, checkpoints);
        for (String worker : start.workers()) {
          workers.expect(jobId, start.attempt(), worker, clock.getAsLong());
          tell(worker, message);
        }
      } else if (order.command() instanceof JobCommand.Stop stop) {
        Object message = stop(jobId, stop.attempt(), stop.mode());
        stop.workers().forEach(worker -> tell(worker, message));
      }
    }
  }

  private static StopAttempt stop(String jobId, int attempt, StopMode mode) {
    return StopAttempt.newBuilder().setJobId(jobId).setAttempt(attempt).setMode(mode).build();
  }

  private void tell(String workerId, Object message) {
    workers.find(workerId).ifPresent(worker -> worker.actor.tell(message));
  }

  private Behavior<JobMessage> submit(JobMessage.Submit submit) {
    if (submit.idempotencyKey() != null) {
      Optional<StoredJob> same = store.read(r -> r.jobByKey(submit.idempotencyKey()));
      if (same.isPresent()) {
        boolean conflict = !same.get().header().spec().equals(submit.json());
        submit.replyTo().tell(new JobMessage.Submitted(same.get(), false, conflict));
        return this;
      }
    }
    String id = "job-" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    long now = clock.getAsLong();
    StoredJob.Header header =
        new StoredJob.Header(
            0,
            id,
            submit.spec().name(),
            submit.json(),
            submit.spec().mesh().replicas(),
            submit.spec().mesh().shards(),
            submit.idempotencyKey(),
            now);
    JobState state = JobState.queued(submit.spec().recovery().maximumRestarts());
    StoredJob job =
        new StoredJob(header, StoredJobs.row(state, null, now), StoredJob.Progress.none());
    store.write(
        writer -> {
          writer.insert(job);
          String data = JsonNodeFactory.instance.objectNode().put("to", "QUEUED").toString();
          writer.insert(new Rows.Event(0, id, now, 0, "state", data));
        });
    StoredJob numbered = store.read(reader -> reader.job(id)).orElseThrow();
    jobs.put(id, numbered);
    schedule();
    submit.replyTo().tell(new JobMessage.Submitted(jobs.get(id), true, false));
    return this;
  }

  private Behavior<JobMessage> ask(JobMessage.Ask ask) {
    Optional<StoredJob> found = find(ask.jobId());
    if (found.isEmpty()) {
      ask.replyTo().tell(new JobMessage.Answer(found, ""));
      return this;
    }
    StoredJob job = found.get();
    String refusal = refusal(JobState.Status.valueOf(job.status().state()), ask.wish(), job);
    if (refusal.isEmpty()) {
      if (ask.wish() == JobMessage.Wish.DELETE) {
        store.write(writer -> writer.delete(ask.jobId()));
        jobs.remove(ask.jobId());
      } else {
        JobBatch batch = new JobBatch(jobs, clock.getAsLong());
        batch.apply(ask.jobId(), event(ask.wish()));
        carryOut(batch.commit(store));
        schedule();
      }
    }
    Optional<StoredJob> now = find(ask.jobId());
    ask.replyTo().tell(new JobMessage.Answer(now.isPresent() ? now : found, refusal));
    return this;
  }

  private Optional<StoredJob> find(String jobId) {
    StoredJob job = jobs.get(jobId);
    return job != null ? Optional.of(job) : store.read(reader -> reader.job(jobId));
  }

  private static JobEvent event(JobMessage.Wish wish) {
    return switch (wish) {
      case CANCEL -> new JobEvent.Cancel();
      case PAUSE -> new JobEvent.Pause();
      default -> new JobEvent.Resume();
    };
  }

  private static String refusal(JobState.Status status, JobMessage.Wish wish, StoredJob job) {
    boolean free = job.status().active().isEmpty();
    boolean fits =
        switch (wish) {
          case CANCEL -> !status.isEnd() || status == JobState.Status.CANCELLED;
          case PAUSE -> !status.isEnd() && status != JobState.Status.CANCELLING;
          case RESUME -> status == JobState.Status.PAUSED || job.status().pausing();
          case DELETE -> status.isEnd() && free;
        };
    if (fits) {
      return "";
    }
    String allowed =
        switch (wish) {
          case CANCEL -> "a job that has not ended can be cancelled";
          case PAUSE -> "a job that has not ended and is not being cancelled can be paused";
          case RESUME -> "a paused job can be resumed";
          case DELETE -> "a job that has ended on all its workers can be deleted: cancel it first";
        };
    return "job " + job.header().id() + " is " + status + "; " + allowed;
  }

  private Behavior<JobMessage> look(JobMessage.Look look) {
    Map<String, Integer> byState = new TreeMap<>();
    jobs.values().forEach(job -> byState.merge(job.status().state(), 1, Integer::sum));
    Map<String, Integer> used = usedSlots();
    List<JobMessage.WorkerView> views =
        workers.all().stream().map(worker -> Overviews.view(worker, used, jobs)).toList();
    look.replyTo().tell(new JobMessage.Overview(views, Map.copyOf(missing), byState, recoveries));
    return this;
  }
}
