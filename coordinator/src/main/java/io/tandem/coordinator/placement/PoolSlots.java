package io.tandem.coordinator.placement;

import io.tandem.coordinator.placement.GangScheduler.Holding;
import io.tandem.coordinator.placement.GangScheduler.Waiting;
import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The slots of one pool's workers while a plan is made. */
final class PoolSlots {
  /**
   * Where a gang would be.
   *
   * @param pool the pool
   * @param workerByRank the worker of each rank
   * @param left by worker, the slots that are free beside it
   */
  record Packing(PoolSlots pool, List<String> workerByRank, TreeMap<String, Integer> left) {
    long workers() {
      return workerByRank.stream().distinct().count();
    }
  }

  private final String name;
  private final int capacity;
  private final Blocked blocked;
  private TreeMap<String, Integer> free = new TreeMap<>();
  private int unused;

  /** Of the running jobs those that hold slots in this pool count. */
  PoolSlots(String name, List<WorkerSlots> workers, List<Holding> running) {
    this.name = name;
    this.capacity = workers.stream().mapToInt(WorkerSlots::slots).sum();
    this.unused = workers.stream().mapToInt(WorkerSlots::free).sum();
    this.blocked =
        new Blocked(
            capacity, running.stream().filter(holding -> holding.pool().equals(name)).toList());
    workers.stream().filter(w -> w.free() > 0).forEach(w -> free.put(w.workerId(), w.free()));
  }

  String name() {
    return name;
  }

  int capacity() {
    return capacity;
  }

  int unused() {
    return unused;
  }

  /** Whether that job could be here if nothing else were. */
  boolean suits(Waiting job) {
    return job.takes(name) && job.size() <= capacity;
  }

  /** Whether there are slots for it now. */
  boolean holds(Waiting job) {
    return job.size() <= unused;
  }

  /** The job that waits for this pool and would starve if that later one were placed here. */
  Optional<Waiting> starvedBy(Waiting next) {
    return blocked.starvedBy(next);
  }

  /** What later jobs may hold here while that one waits; below 0 where they hold too much. */
  int room(Waiting job) {
    return blocked.room(job);
  }

  /** That job, later than all before, waits for slots here. */
  void block(Waiting job) {
    blocked.add(job);
  }

  /** Where that job would be here, for which there are slots. Takes none. */
  Packing packed(Waiting job) {
    TreeMap<String, Integer> left = new TreeMap<>(free);
    List<String> workerByRank = new ArrayList<>();
    Optional<String> whole = tightest(left, job.size());
    for (int replica = 0; replica < job.replicas(); replica++) {
      Optional<String> host = whole.isPresent() ? whole : tightest(left, job.shards());
      int needed = job.shards();
      while (needed > 0) {
        String worker = host.orElseGet(() -> widest(left));
        int taken = Math.min(needed, left.get(worker));
        left.computeIfPresent(worker, (id, slots) -> slots == taken ? null : slots - taken);
        for (int i = 0; i < taken; i++) {
          workerByRank.add(worker);
        }
        needed -= taken;
      }
    }
    return new Packing(this, List.copyOf(workerByRank), left);
  }

  /** Takes the slots. */
  void place(Waiting job, Packing packing) {
    free = packing.left();
    unused -= job.size();
    blocked.overtakenBy(job);
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
