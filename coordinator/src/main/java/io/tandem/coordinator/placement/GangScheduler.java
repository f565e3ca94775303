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
   * @param missing for every job that goes on waiting: what it waits for, for people
   */
  public record Plan(Map<String, List<String>> gangs, Map<String, String> missing) {}

  private GangScheduler() {}

  /** Decides over all waiting jobs at once; the same input gives the same plan. */
  public static Plan plan(List<Waiting> queue, List<Holding> running, List<WorkerSlots> workers) {
    int capacity = workers.stream().mapToInt(WorkerSlots::slots).sum();
    TreeMap<String, Integer> free = new TreeMap<>();
    workers.forEach(worker -> free.put(worker.workerId(), worker.free()));
    List<Holding> holding = new ArrayList<>(running);
    List<Waiting> blocked = new ArrayList<>();
    Map<String, List<String>> gangs = new LinkedHashMap<>();
    Map<String, String> missing = new LinkedHashMap<>();

    for (Waiting job : queue.stream().sorted(Comparator.comparingLong(Waiting::order)).toList()) {
      int unused = free.values().stream().mapToInt(Integer::intValue).sum();
      Optional<Waiting> starved =
          blocked.stream().filter(first -> starves(first, job, holding, capacity)).findFirst();
      if (job.size() > capacity) {
        missing.put(job.jobId(), arithmetic(job) + capacity + slots(capacity) + "registered");
      } else if (job.size() > unused) {
        missing.put(job.jobId(), arithmetic(job) + unused + slots(unused) + "free");
        blocked.add(job);
      } else if (starved.isPresent()) {
        missing.put(job.jobId(), "waits behind job " + starved.get().jobId());
        blocked.add(job);
      } else {
        gangs.put(job.jobId(), pack(job, free));
        holding.add(new Holding(job.order(), job.size()));
      }
    }
    return new Plan(gangs, missing);
  }

  private static boolean starves(Waiting first, Waiting next, List<Holding> holding, int capacity) {
    int overtaking =
        holding.stream().filter(h -> h.order() > first.order()).mapToInt(Holding::size).sum();
    return capacity - overtaking - next.size() < first.size();
  }

  private static String arithmetic(Waiting job) {
    return "replicas %d x shards %d = %d ranks, but "
        .formatted(job.replicas(), job.shards(), job.size());
  }

  private static String slots(int count) {
    return count == 1 ? " slot is " : " slots are ";
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
        free.merge(worker, -taken, Integer::sum);
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
