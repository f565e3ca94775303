package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.HeartbeatAck;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.Mistake;
import io.tandem.protocol.job.PoolName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.slf4j.Logger;

/** What workers say, and what they are answered. */
final class WorkerDesk {
  private static final int STALLED_TICKS = 4;

  private final Ledger ledger;
  private final Workers workers;
  private final JobTiming timing;
  private final Logger log;
  private final Map<String, Long> stored = new HashMap<>();
  private final Map<String, Ending> endings = new HashMap<>();
  private long ticked;

  /** Until then nobody is given up whom the leader before this one may have heard. */
  private long readopted;

  /** Since when an attempt is waited for to end. */
  private record Ending(int attempt, long since) {}

  WorkerDesk(Ledger ledger, JobTiming timing, Logger log) {
    this.ledger = ledger;
    this.workers = ledger.workers();
    this.timing = timing;
    this.log = log;
    this.ticked = ledger.steady();
    this.readopted = ticked + timing.readopt().toMillis();
    for (StoredJob job : ledger.jobs().active()) {
      for (String worker : job.status().active()) {
        workers.expect(job.header().id(), job.status().attempt(), worker, ticked);
      }
    }
  }

  /** A worker that is new, or that this coordinator does not know any more. */
  void register(Register register, ActorRef<Object> worker) {
    String refusal = refusal(register);
    if (!refusal.isEmpty()) {
      log.warn("{} is refused: {}", register.getWorkerId(), refusal);
      worker.tell(Refused.newBuilder().setReason(refusal).build());
      return;
    }
    if (workers.isLate(register.getWorkerId(), register.getRound())) {
      return; // it came by another way than a later one
    }
    if (workers.find(register.getWorkerId()).isEmpty()) {
      log.info(
          "worker {} registers {} slots in pool {}",
          register.getWorkerId(),
          register.getSlots(),
          PoolName.orDefault(register.getPool()));
    }
    workers.register(register, worker, ledger.now(), ledger.steady());
    worker.tell(
        Registered.newBuilder()
            .setWorkerId(register.getWorkerId())
            .setHeartbeatMillis((int) timing.heartbeat().toMillis())
            .setGateway(register.getGateway())
            .setNowMillis(ledger.now())
            .build());
    correct(register.getWorkerId(), register.getRunningList());
    if (register.getLeaving()) {
      leaving(register.getWorkerId());
    }
  }

  private static String refusal(Register register) {
    if (register.getProtocolVersion() != ProtocolVersion.PROTOCOL_VERSION) {
      boolean older = register.getProtocolVersion() < ProtocolVersion.PROTOCOL_VERSION;
      return ("worker %s is of release %s (protocol %d), this coordinator of %s (protocol %d):"
              + " start the older one, the %s, from the other's release and image")
          .formatted(
              register.getWorkerId(),
              register.getVersion(),
              register.getProtocolVersion(),
              ProtocolVersion.release(),
              ProtocolVersion.PROTOCOL_VERSION,
              older ? "worker" : "coordinator");
    }
    if (!PoolName.isValid(PoolName.orDefault(register.getPool()))) {
      return new Mistake(
              "pool", "'" + register.getPool() + "'", "a name that matches " + PoolName.PATTERN)
          .toString();
    }
    return register.getSlots() < 1 || register.getWorkerId().isBlank()
        ? "given " + register.getSlots() + " slots; at least 1 is needed"
        : "";
  }

  /**
   * Who is not known has no address here; unanswered heartbeats make it register again.
   *
   * @return whether something else may be placed there now than before
   */
  boolean heartbeat(Heartbeat heartbeat) {
    String id = heartbeat.getWorkerId();
    int stray = workers.find(id).map(worker -> worker.stray).orElse(0);
    boolean deaf = workers.find(id).map(worker -> worker.deaf).orElse(false);
    List<RunningAttempt> running = heartbeat.getRunningList();
    if (!workers.heartbeat(id, heartbeat.getRound(), running, ledger.steady())) {
      return false;
    }
    ledger.tell(id, HeartbeatAck.newBuilder().setWorkerId(id).setNowMillis(ledger.now()).build());
    correct(id, running);
    if (heartbeat.getLeaving()) {
      leaving(id);
    }
    return heartbeat.getLeaving()
        || deaf
        || workers.find(id).map(worker -> worker.stray).orElse(0) != stray;
  }

  /** Ends what a worker runs and should not: the order may have been lost, or is long past. */
  private void correct(String workerId, List<RunningAttempt> running) {
    int stray = 0;
    for (RunningAttempt attempt : running) {
      Optional<JobState> state =
          ledger
              .underWay(attempt.getJobId())
              .map(job -> StoredJobs.state(job.status()))
              .filter(s -> s.attempt() == attempt.getAttempt() && s.active().contains(workerId));
      if (state.isEmpty()) {
        stray += attempt.getRanksCount();
      }
      Optional<StopMode> mode =
          state.isPresent() ? state.get().wantedStop() : Optional.of(StopMode.ABANDON);
      mode.ifPresent(
          wanted -> ledger.stop(workerId, attempt.getJobId(), attempt.getAttempt(), wanted));
    }
    int taken = stray;
    workers.find(workerId).ifPresent(worker -> worker.stray = taken);
  }

  /**
   * Stores what is new in these and acknowledges all; the same report never counts twice. In place
   * of one that no store takes stands a notice: sent again it would fail again, for ever.
   */
  void reports(List<Reports> all) {
    storeParts(all.stream().flatMap(reports -> reports.getReportsList().stream()).toList());
  }

  /** All in one transaction; where one of them is refused, the halves apart, down to that one. */
  private void storeParts(List<Report> reports) {
    try {
      store(reports, ReportReader::read);
    } catch (RuntimeException e) {
      if (!Store.refuses(e)) {
        throw e;
      }
      reports.forEach(report -> stored.remove(report.getWorkerId())); // the store knows better now
      int half = reports.size() / 2;
      if (half == 0) {
        log.error("{} cannot be stored", ReportReader.name(reports.get(0)), e);
        store(reports, (report, batch) -> ReportReader.refused(report, e, batch));
      } else {
        storeParts(reports.subList(0, half));
        storeParts(reports.subList(half, reports.size()));
      }
    }
  }

  private void store(List<Report> reports, BiConsumer<Report, JobBatch> read) {
    Map<String, Long> upTo = new LinkedHashMap<>();
    List<Report> fresh = new ArrayList<>();
    for (Report report : reports) {
      String workerId = report.getWorkerId();
      long last = upTo.computeIfAbsent(workerId, this::lastStored);
      if (report.getSequence() > last) {
        fresh.add(report);
        upTo.put(workerId, report.getSequence());
      }
    }
    if (!fresh.isEmpty()) {
      ledger.change(
          batch -> {
            fresh.forEach(report -> read.accept(report, batch));
            fresh.stream()
                .map(Report::getWorkerId)
                .distinct()
                .forEach(id -> batch.write(w -> w.acknowledged(id, upTo.get(id))));
          });
      stored.putAll(upTo);
    }
    upTo.forEach(
        (id, sequence) ->
            ledger.tell(id, Acknowledged.newBuilder().setUpToSequence(sequence).build()));
  }

  private long lastStored(String workerId) {
    return stored.computeIfAbsent(workerId, id -> ledger.read(reader -> reader.acknowledged(id)));
  }

  /** Nothing is placed there any more, and its jobs move elsewhere. */
  private void leaving(String workerId) {
    Workers.Worker worker = workers.find(workerId).orElseThrow();
    if (worker.leaving) {
      return;
    }
    worker.leaving = true;
    ledger.change(
        batch ->
            ledger
                .jobs()
                .active()
                .forEach(job -> batch.apply(job.header().id(), new JobEvent.Draining(workerId))));
  }

  /** Looks who is silent, and who does not end; a stall of this process is nobody's silence. */
  void tick() {
    long now = ledger.steady();
    long gap = now - ticked;
    ticked = now;
    if (gap > STALLED_TICKS * timing.tick().toMillis()) {
      log.warn("the coordinator itself stood still for {} ms", gap);
      workers.shift(gap, now);
      readopted += gap;
    }
    dropSilent(now);
    dropStuck(now);
  }

  /** Gives up the workers that were silent for too long, and attempts that they do not run. */
  private void dropSilent(long now) {
    long before = now - timing.lost().toMillis();
    for (String workerId : workers.removeSilent(before)) {
      log.warn("worker {} is lost: no heartbeat", workerId);
    }
    if (now <= readopted) {
      return;
    }
    ledger.change(
        batch -> {
          for (StoredJob job : ledger.jobs().active()) {
            String id = job.header().id();
            int attempt = job.status().attempt();
            for (String worker : job.status().active()) {
              long heard = workers.heardRunning(id, attempt, worker, now);
              if (heard < before) {
                String text =
                    "worker %s was not heard to run attempt %d for %.1f s"
                        .formatted(worker, attempt, (now - heard) / 1000.0);
                batch.apply(id, new JobEvent.Lost(attempt, worker, text), now - heard);
              }
            }
          }
        });
  }

  /**
   * An attempt that was told to end and does not is no longer waited for. Its worker still says
   * that it runs, and gets nothing new until it says otherwise.
   */
  private void dropStuck(long now) {
    Map<String, Ending> still = new HashMap<>();
    ledger.change(
        batch -> {
          for (StoredJob job : ledger.jobs().active()) {
            String id = job.header().id();
            int attempt = job.status().attempt();
            if (StoredJobs.state(job.status()).isEnding()) {
              Ending old = endings.get(id);
              boolean same = old != null && old.attempt() == attempt;
              Ending ending = same ? old : new Ending(attempt, now);
              still.put(id, ending);
              if (now - ending.since() > timing.stop().toMillis()) {
                stuck(job, now - ending.since(), batch);
              }
            }
          }
        });
    endings.clear();
    endings.putAll(still);
  }

  private void stuck(StoredJob job, long millis, JobBatch batch) {
    for (String worker : job.status().active()) {
      String text =
          "worker %s has not ended attempt %d within %.1f s"
              .formatted(worker, job.status().attempt(), millis / 1000.0);
      log.warn("{}: {}", job.header().id(), text);
      batch.apply(job.header().id(), new JobEvent.Lost(job.status().attempt(), worker, text));
    }
  }
}
