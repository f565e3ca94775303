package io.tandem.coordinator.store;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes old jobs, removes what deleted jobs leave behind, thins long series and shortens long
 * logs. Many small transactions, over connections that are not the leader's: however much there is
 * to do, nobody waits for it long. Of several coordinators one does it at a time, which only saves
 * work: all of it may be done twice. Has a thread of its own.
 */
public final class Housekeeping implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

  /** So many rows are removed at once. */
  static final int BATCH = 5_000;

  private static final String LEASE = "housekeeping";

  /** How long the one that does it may do without a sign. */
  private static final Duration SILENCE = Duration.ofMinutes(5);

  /** Jobs that have reported so long before the last look are looked at again. */
  private static final long MARGIN_MILLIS = 60_000;

  /** What belongs to a job, the most first. */
  private static final List<String> BELONGINGS =
      List.of("metrics", "logs", "events", "samples", "checkpoints", "attempts");

  private record Job(String id, long step) {}

  private final Store store;
  private final Duration keep;
  private final SeriesThinner thinner;
  private final LogTrimmer trimmer;
  private final String name = "housekeeping-" + UUID.randomUUID();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "housekeeping");
            thread.setDaemon(true);
            return thread;
          });
  private long lookedAt;
  private volatile boolean closed;

  Housekeeping(Store store, Duration keep) {
    this.store = store;
    this.keep = keep;
    this.thinner = new SeriesThinner(store);
    this.trimmer = new LogTrimmer(store);
  }

  /**
   * Begins after that pause, and goes on with such pauses.
   *
   * @param keep how long after its end a job is kept; zero for ever
   */
  public static Housekeeping start(Store store, Duration keep, Duration pause) {
    Housekeeping housekeeping = new Housekeeping(store, keep);
    housekeeping.timer.scheduleWithFixedDelay(
        housekeeping::round, pause.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
    return housekeeping;
  }

  /** Does all that is to be done now. */
  void round() {
    try {
      if (goesOn()) {
        deleteOld();
        removeDeleted();
        shorten();
      }
    } catch (StoreUnavailableException e) {
      LOG.warn("housekeeping is put off: {}", e.getMessage());
    } catch (RuntimeException e) { // or the timer would stop
      LOG.error("housekeeping failed, and is tried again", e);
    }
  }

  private boolean goesOn() {
    return !closed && (!store.isShared() || store.acquire(LEASE, name, SILENCE));
  }

  /** As {@link StoreWriter#delete} does; nothing can happen any more to a job that has ended. */
  private void deleteOld() {
    if (keep.isZero()) {
      return;
    }
    int deleted =
        store.tidy(
            handle ->
                handle
                    .createUpdate(
                        "UPDATE jobs SET deleted = 1, idempotency_key = NULL WHERE deleted = 0"
                            + " AND ended_at > 0 AND ended_at < <now> - :keep AND active = '[]'")
                    .define("now", store.dialect().now())
                    .bind("keep", keep.toMillis())
                    .execute());
    if (deleted > 0) {
      LOG.info("{} jobs that ended {} days ago are deleted", deleted, keep.toDays());
    }
  }

  private void removeDeleted() {
    List<String> deleted =
        store.tidy(
            handle ->
                handle
                    .createQuery("SELECT id FROM jobs WHERE deleted = 1")
                    .mapTo(String.class)
                    .list());
    for (String job : deleted) {
      if (goesOn() && BELONGINGS.stream().allMatch(table -> isEmptied(table, job))) {
        store.tidy(
            handle ->
                handle
                    .createUpdate("DELETE FROM jobs WHERE id = :job AND deleted = 1")
                    .bind("job", job)
                    .execute());
      }
    }
  }

  private boolean isEmptied(String table, String job) {
    String some =
        "SELECT %s FROM %s WHERE job_id = :job LIMIT :batch"
            .formatted(store.dialect().row(), table);
    String delete = "DELETE FROM %s WHERE %s".formatted(table, store.dialect().among(some));
    int removed = BATCH;
    while (removed == BATCH && !closed) {
      removed =
          store.tidy(
              handle ->
                  handle.createUpdate(delete).bind("job", job).bind("batch", BATCH).execute());
    }
    return removed < BATCH;
  }

  /** Of all jobs that run or have said something since the last look; the first time, of all. */
  private void shorten() {
    long now =
        store.tidy(
            handle ->
                handle.createQuery("SELECT " + store.dialect().now()).mapTo(Long.class).one());
    for (Job job : lively()) {
      if (!goesOn()) {
        return;
      }
      thinner.thin(job.id(), job.step());
      trimmer.trim(job.id(), this::goesOn);
    }
    lookedAt = now;
  }

  private List<Job> lively() {
    return store.tidy(
        handle ->
            handle
                .createQuery(
                    "SELECT id, step FROM jobs WHERE deleted = 0 AND (active <> '[]'"
                        + " OR reported_at >= :since OR ended_at >= :since)")
                .bind("since", Math.max(0, lookedAt - MARGIN_MILLIS))
                .map((row, context) -> new Job(row.getString("id"), row.getLong("step")))
                .list());
  }

  /** Returns when what is under way is done; another coordinator need not wait. */
  @Override
  public void close() {
    closed = true;
    timer.shutdown();
    try {
      if (!timer.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("housekeeping did not stop in time");
      }
      if (store.isShared()) {
        store.release(LEASE, name);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (StoreUnavailableException e) {
      LOG.warn("the lease of housekeeping is left to lapse: {}", e.getMessage());
    }
  }
}
