package io.tandem.coordinator.jobs;

import io.tandem.coordinator.placement.GangScheduler;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Starts waiting jobs, whole gangs at a time, as soon as there are slots for them. */
final class Placements {
  private static final long LONGEST_PAUSE = Duration.ofSeconds(30).toMillis();

  private final Ledger ledger;
  private Map<String, String> missing = Map.of();
  private long recoveries;

  Placements(Ledger ledger) {
    this.ledger = ledger;
  }

  /** By job id, what a waiting job waits for. */
  Map<String, String> missing() {
    return missing;
  }

  /** Attempts placed because the one before ended early. */
  long recoveries() {
    return recoveries;
  }

  /** Starts all gangs for which there are slots now. */
  void schedule() {
    Map<String, String> waits = new HashMap<>();
    List<GangScheduler.Waiting> queue = new ArrayList<>();
    List<GangScheduler.Holding> holding = new ArrayList<>();
    for (StoredJob job : ledger.jobs()) {
      StoredJob.Header header = job.header();
      JobState state = StoredJobs.state(job.status());
      if (!state.active().isEmpty()) {
        int size = header.replicas() * header.shards();
        holding.add(new GangScheduler.Holding(header.number(), size));
      } else if (state.isPlaceable()) {
        long pause = pauseMillis(header.id(), state.restarts());
        if (pause > 0) {
          waits.put(
              header.id(), "attempts end soon after their start; the next in " + pause + " ms");
        } else {
          queue.add(
              new GangScheduler.Waiting(
                  header.id(), header.number(), header.replicas(), header.shards()));
        }
      }
    }
    if (!queue.isEmpty()) {
      GangScheduler.Plan plan =
          GangScheduler.plan(queue, holding, ledger.workers().slots(ledger.usedSlots()));
      waits.putAll(plan.missing());
      ledger.change(
          batch -> plan.gangs().forEach((jobId, workers) -> place(jobId, workers, batch)));
    }
    missing = waits;
  }

  /**
   * How long an attempt is put off. The first failure since a checkpoint costs nothing; after that
   * attempts are 1, 2, 4, ... seconds apart, so that what fails at once does not use up all the
   * restarts before anybody can help.
   */
  private long pauseMillis(String jobId, int restarts) {
    if (restarts <= 1) {
      return 0;
    }
    long apart = Math.min(LONGEST_PAUSE, 1000L << Math.min(restarts - 2, 10));
    long since = ledger.now() - ledger.lastPlacedAt(jobId);
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
