package io.tandem.coordinator.jobs;

import io.tandem.coordinator.placement.GangScheduler;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Starts waiting jobs, whole gangs at a time, as soon as there are slots for them. */
final class Placements {
  private static final long LONGEST_PAUSE = Duration.ofSeconds(30).toMillis();

  private final Ledger ledger;
  private GangScheduler.Plan plan = new GangScheduler.Plan(Map.of(), Map.of(), 0, 0);
  private long recoveries;

  Placements(Ledger ledger) {
    this.ledger = ledger;
  }

  /** What a job waits for, as of the last look; empty for one that does not wait. */
  Optional<String> missing(String jobId) {
    return ledger
        .underWay(jobId)
        .filter(job -> StoredJobs.state(job.status()).isPlaceable())
        .flatMap(this::missing);
  }

  private Optional<String> missing(StoredJob job) {
    long pause = pauseMillis(job);
    return pause > 0
        ? Optional.of("attempts end soon after their start; the next in " + pause + " ms")
        : plan.missing(waiting(job));
  }

  /** Attempts placed because the one before ended early. */
  long recoveries() {
    return recoveries;
  }

  /** Starts all gangs for which there are slots now. */
  void schedule() {
    List<GangScheduler.Waiting> queue =
        ledger.jobs().placeable().stream()
            .filter(job -> pauseMillis(job) == 0)
            .map(Placements::waiting)
            .toList();
    if (queue.isEmpty()) {
      return;
    }
    List<GangScheduler.Holding> holding =
        ledger.jobs().active().stream()
            .map(StoredJob::header)
            .map(h -> new GangScheduler.Holding(h.number(), h.replicas() * h.shards()))
            .toList();
    plan = GangScheduler.plan(queue, holding, ledger.workers().slots(ledger.usedSlots()));
    ledger.change(batch -> plan.gangs().forEach((jobId, workers) -> place(jobId, workers, batch)));
  }

  private static GangScheduler.Waiting waiting(StoredJob job) {
    StoredJob.Header header = job.header();
    return new GangScheduler.Waiting(
        header.id(), header.number(), header.replicas(), header.shards());
  }

  /**
   * How long an attempt is put off. The first failure since a checkpoint costs nothing; after that
   * attempts are 1, 2, 4, ... seconds apart, so that what fails at once does not use up all the
   * restarts before anybody can help.
   */
  private long pauseMillis(StoredJob job) {
    int restarts = job.status().restarts();
    if (restarts <= 1) {
      return 0;
    }
    long apart = Math.min(LONGEST_PAUSE, 1000L << Math.min(restarts - 2, 10));
    long since = ledger.now() - ledger.lastPlacedAt(job.header().id());
    return since < 0 ? 0 : Math.max(0, apart - since); // below 0 when the clock was set back
  }

  private void place(String jobId, List<String> workerByRank, JobBatch batch) {
    StoredJob before = batch.job(jobId).orElseThrow();
    if (before.status().state().equals(JobState.Status.RECOVERING.name())) {
      recoveries++;
    }
    batch.apply(jobId, new JobEvent.Placed(new TreeSet<>(workerByRank)));
    int attempt = batch.job(jobId).orElseThrow().status().attempt();
    batch.attempt(new Rows.Attempt(jobId, attempt, workerByRank, ledger.now()));
  }
}
