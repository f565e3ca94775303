package io.tandem.coordinator.jobs;

import io.tandem.coordinator.placement.GangScheduler;
import io.tandem.coordinator.placement.Plan;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Starts waiting jobs, whole gangs at a time, as soon as there are slots for them. */
final class Placements {
  private static final long LONGEST_PAUSE = Duration.ofSeconds(30).toMillis();

  private final Ledger ledger;
  private Plan plan = Plan.NONE;
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
        ledger.jobs().active().stream().flatMap(this::holding).toList();
    plan = GangScheduler.plan(queue, holding, ledger.workers().slots(ledger.usedSlots()));
    ledger.change(batch -> plan.gangs().forEach((jobId, workers) -> place(jobId, workers, batch)));
  }

  private static GangScheduler.Waiting waiting(StoredJob job) {
    StoredJob.Header header = job.header();
    return new GangScheduler.Waiting(
        header.id(), header.number(), header.replicas(), header.shards(), header.pool());
  }

  /** An attempt of a release before pools may be in several. Who is not registered is in none. */
  private Stream<GangScheduler.Holding> holding(StoredJob job) {
    Map<String, Integer> byPool = new HashMap<>();
    for (String workerId : ledger.workerByRank(job)) {
      ledger.workers().find(workerId).ifPresent(w -> byPool.merge(w.pool, 1, Integer::sum));
    }
    return byPool.entrySet().stream()
        .map(
            held ->
                new GangScheduler.Holding(job.header().number(), held.getKey(), held.getValue()));
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
