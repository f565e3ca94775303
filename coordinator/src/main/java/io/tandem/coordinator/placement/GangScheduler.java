package io.tandem.coordinator.placement;

import io.tandem.coordinator.placement.PoolSlots.Packing;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Places whole gangs: a mesh gets all its slots, and in one pool, or none. Jobs start in the order
 * in which they were submitted. A later job may overtake one that waits only when the slots that
 * remain, once all jobs that did not overtake have ended, still hold the one that waits: nothing
 * starves. A mesh larger than every pool that it may be in waits without holding back the others.
 *
 * <p>For a job that may be in several pools slots are kept in one of them. Which one that is may
 * change from plan to plan: of those where the jobs that overtook it leave it enough, of which
 * there is one since it began to wait, the one with the most free slots.
 */
public final class GangScheduler {
  /**
   * A worker that takes new ranks.
   *
   * @param workerId the process
   * @param pool the pool that it is of
   * @param slots how many ranks it hosts at most
   * @param free how many of these are unused now
   */
  public record WorkerSlots(String workerId, String pool, int slots, int free) {}

  /**
   * A job that waits.
   *
   * @param jobId the job
   * @param order its place in the queue, smaller is earlier
   * @param replicas R
   * @param shards S
   * @param pool the only pool that it may be in; empty where any will do
   */
  public record Waiting(String jobId, long order, int replicas, int shards, String pool) {
    /** R * S. */
    public int size() {
      return Math.multiplyExact(replicas, shards);
    }

    boolean takes(String name) {
      return pool.isEmpty() || pool.equals(name);
    }
  }

  /**
   * Slots that a job holds in a pool.
   *
   * @param order its place in the queue
   * @param pool the pool
   * @param size slots held
   */
  public record Holding(long order, String pool, int size) {}

  private GangScheduler() {}

  /**
   * Decides over all waiting jobs at once; the same input gives the same plan. Looks at no more
   * jobs than until the last slot is taken: queues are long, and the cluster is full most of the
   * time.
   */
  public static Plan plan(List<Waiting> queue, List<Holding> running, List<WorkerSlots> workers) {
    TreeMap<String, PoolSlots> pools = new TreeMap<>();
    workers.stream()
        .collect(Collectors.groupingBy(WorkerSlots::pool))
        .forEach((name, own) -> pools.put(name, new PoolSlots(name, own, running)));
    int unused = workers.stream().mapToInt(WorkerSlots::free).sum();
    Map<String, List<String>> gangs = new LinkedHashMap<>();
    Map<String, String> behind = new LinkedHashMap<>();
    for (Waiting job : queue.stream().sorted(Comparator.comparingLong(Waiting::order)).toList()) {
      if (unused == 0) {
        break;
      }
      List<PoolSlots> suitable = pools.values().stream().filter(pool -> pool.suits(job)).toList();
      Optional<Packing> best = best(job, suitable);
      if (best.isPresent()) {
        best.get().pool().place(job, best.get());
        gangs.put(job.jobId(), best.get().workerByRank());
        unused -= job.size();
      } else {
        starvedBy(job, suitable).ifPresent(first -> behind.put(job.jobId(), first.jobId()));
        suitable.stream()
            .max(
                Comparator.<PoolSlots>comparingInt(pool -> Math.min(0, pool.room(job)))
                    .thenComparingInt(PoolSlots::unused))
            .ifPresent(pool -> pool.block(job));
      }
    }
    TreeMap<String, Plan.Slots> left = new TreeMap<>();
    pools.forEach((name, pool) -> left.put(name, new Plan.Slots(pool.capacity(), pool.unused())));
    return new Plan(gangs, behind, left);
  }

  /** On the fewest workers; where several pools have as few, in the one with the fewest slots. */
  private static Optional<Packing> best(Waiting job, List<PoolSlots> suitable) {
    return suitable.stream()
        .filter(pool -> pool.holds(job) && pool.starvedBy(job).isEmpty())
        .map(pool -> pool.packed(job))
        .min(
            Comparator.comparingLong(Packing::workers)
                .thenComparingInt(packing -> packing.pool().unused()));
  }

  /** Whom the slots are kept for that the job would have. */
  private static Optional<Waiting> starvedBy(Waiting job, List<PoolSlots> suitable) {
    return suitable.stream()
        .filter(pool -> pool.holds(job))
        .flatMap(pool -> pool.starvedBy(job).stream())
        .findFirst();
  }
}
