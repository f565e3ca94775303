package io.tandem.coordinator.placement;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Places whole gangs: a mesh gets all its slots or none. Jobs start in the order in which they were
 * submitted. A later job may overtake one that waits only when the slots that remain, once all jobs
 * that did not overtake have ended, still hold the one that waits: nothing starves. A mesh larger
 * than the cluster waits without holding back the others.
 */
public final class GangScheduler {
  /**
   * A worker that takes new ranks.
   *
   * @param workerId the process
   * @param slots how many ranks it hosts at most
   * @param free how many of these are unused now
   */
  public record WorkerSlots(String workerId, int slots, int free) {}

  /**
   * A job that waits.
   *
   * @param jobId the job
   * @param order its place in the queue, smaller is earlier
   * @param replicas R
   * @param shards S
   */
  public record Waiting(String jobId, long order, int replicas, int shards) {
    /** R * S. */
    public int size() {
      return Math.multiplyExact(replicas, shards);
    }
  }

  /**
   * A job that holds slots.
   *
   * @param order its place in the queue
   * @param size slots held
   */
  public record Holding(long order, int size) {}

  /**
   * What to do now.
   *
   * @param gangs for every job to start: the worker of each rank, in the order of ranks
   * @param behind by id of a job for which there would be slots: the job that they are kept for
   * @param capacity slots of all workers
   * @param unused slots that are left
   */
  public record Plan(
      Map<String, List<String>> gangs, Map<String, String> behind, int capacity, int unused) {
    /** What a job that goes on waiting waits for, for people; empty for one that starts. */
    public Optional<String> missing(Waiting job) {
      if (gangs.containsKey(job.jobId())) {
        return Optional.empty();
      }
      String first = behind.get(job.jobId());
      if (first != null) {
        return Optional.of("waits behind job " + first);
      }
      boolean never = job.size() > capacity;
      int slots = never ? capacity : unused;
      return Optional.of(
          "replicas %d x shards %d = %d ranks, but %d %s %s"
              .formatted(
                  job.replicas(),
                  job.shards(),
                  job.size(),
                  slots,
                  slots == 1 ? "slot is" : "slots are",
                  never ? "registered" : "free"));
    }
  }

  private GangScheduler() {}

  /**
   * Decides over all waiting jobs at once; the same input gives the same plan. Looks at no more
   * jobs than until the last slot is taken: queues are long, and the cluster is full most of the
   * time.
   */
  public static Plan plan(List<Waiting> queue, List<Holding> running, List<WorkerSlots> workers) {
    int capacity = workers.stream().mapToInt(WorkerSlots::slots).sum();
    int unused = workers.stream().mapToInt(WorkerSlots::free).sum();
    TreeMap<String, Integer> free = new TreeMap<>();
    workers.stream().filter(w -> w.free() > 0).forEach(w -> free.put(w.workerId(), w.free()));
    Blocked blocked = new Blocked(capacity, running);
    Map<String, List<String>> gangs = new LinkedHashMap<>();
    Map<String, String> behind = new LinkedHashMap<>();
    for (Waiting job : queue.stream().sorted(Comparator.comparingLong(Waiting::order)).toList()) {
      if (unused == 0) {
        break;
      }
      if (job.size() > capacity) {
        continue;
      }
      Optional<Waiting> starved = blocked.starvedBy(job);
      if (job.size() > unused) {
        blocked.add(job);
      } else if (starved.isPresent()) {
        behind.put(job.jobId(), starved.get().jobId());
        blocked.add(job);
      } else {
        gangs.put(job.jobId(), pack(job, free));
        unused -= job.size();
        blocked.overtakenBy(job);
      }
    }
    return new Plan(gangs, behind, capacity, unused);
  }

  /** Takes the slots; the caller knows that they suffice. */
  private static List<String> pack(Waiting job, TreeMap<String, Integer> free) {
    List<String> workerByRank = new ArrayList<>();
    Optional<String> whole = tightest(free, job.size());
    for (int replica = 0; replica < job.replicas(); replica++) {
      Optional<String> host = whole.isPresent() ? whole : tightest(free, job.shards());
      int needed = job.shards();
      while (needed > 0) {
        String worker = host.orElseGet(() -> widest(free));
        int taken = Math.min(needed, free.get(worker));
        free.computeIfPresent(worker, (id, left) -> left == taken ? null : left - taken);
        for (int i = 0; i < taken; i++) {
          workerByRank.add(worker);
        }
        needed -= taken;
      }
    }
    return List.copyOf(workerByRank);
  }

  /** The worker with the fewest free slots that still holds so many. */
  private static Optional<String> tightest(TreeMap<String, Integer> free, int needed) {
    return free.entrySet().stream()
        .filter(entry -> entry.getValue() >= needed)
        .min(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey);
  }

  private static String widest(TreeMap<String, Integer> free) {
    return free.entrySet().stream()
        .max(
            Map.Entry.<String, Integer>comparingByValue()
                .thenComparing(Map.Entry.<String, Integer>comparingByKey().reversed()))
        .orElseThrow()
        .getKey();
  }
}
