package io.tandem.coordinator.placement;

import io.tandem.coordinator.placement.GangScheduler.Waiting;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/**
 * What to do now.
 *
 * @param gangs for every job to start: the worker of each rank, in the order of ranks
 * @param behind by id of a job for which there would be slots: the job that they are kept for
 * @param pools by name, the pools that have workers
 */
public record Plan(
    Map<String, List<String>> gangs, Map<String, String> behind, TreeMap<String, Slots> pools) {
  /** Before the first look. */
  public static final Plan NONE = new Plan(Map.of(), Map.of(), new TreeMap<>());

  private static final int NAMED = 8;

  /**
   * A pool's slots.
   *
   * @param registered of all its workers
   * @param free those that are left
   */
  public record Slots(int registered, int free) {}

  /** What a job that goes on waiting waits for, for people; empty for one that starts. */
  public Optional<String> missing(Waiting job) {
    if (gangs.containsKey(job.jobId())) {
      return Optional.empty();
    }
    String first = behind.get(job.jobId());
    return Optional.of(first != null ? "waits behind job " + first : needs(job));
  }

  private String needs(Waiting job) {
    String ranks =
        "replicas %d x shards %d = %d ranks, but "
            .formatted(job.replicas(), job.shards(), job.size());
    if (!job.pool().isEmpty() && !pools.containsKey(job.pool())) {
      return ranks + "no worker is registered in pool " + job.pool() + others();
    }
    String largest = most(job, Slots::registered);
    boolean never = job.size() > slots(largest, Slots::registered);
    String pool = never ? largest : most(job, Slots::free);
    int slots = slots(pool, never ? Slots::registered : Slots::free);
    String are =
        "%d %s %s"
            .formatted(slots, slots == 1 ? "slot is" : "slots are", never ? "registered" : "free");
    if (!job.pool().isEmpty()) {
      return ranks + are + " in pool " + pool;
    }
    return pools.size() > 1 && slots > 0
        ? ranks + "at most " + are + " in one pool (" + pool + ")"
        : ranks + are;
  }

  /** Where a name may be a mistake, those that are none. */
  private String others() {
    if (pools.isEmpty()) {
      return "";
    }
    String names = pools.keySet().stream().limit(NAMED).collect(Collectors.joining(", "));
    return "; workers are in: " + names + (pools.size() > NAMED ? ", ..." : "");
  }

  /** Of the pools that the job may be in, the one with the most of these, or an empty name. */
  private String most(Waiting job, ToIntFunction<Slots> of) {
    return pools.keySet().stream()
        .filter(job::takes)
        .max(
            Comparator.<String>comparingInt(name -> slots(name, of))
                .thenComparing(Comparator.reverseOrder()))
        .orElse("");
  }

  private int slots(String pool, ToIntFunction<Slots> of) {
    Slots slots = pools.get(pool);
    return slots == null ? 0 : of.applyAsInt(slots);
  }
}
