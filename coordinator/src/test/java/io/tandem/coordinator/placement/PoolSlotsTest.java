package io.tandem.coordinator.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.placement.GangScheduler.Holding;
import io.tandem.coordinator.placement.GangScheduler.Waiting;
import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Gangs where workers are in several pools. */
class PoolSlotsTest {
  private static Waiting job(String id, long order, int replicas, int shards, String pool) {
    return new Waiting(id, order, replicas, shards, pool);
  }

  private static WorkerSlots worker(String id, String pool, int slots, int free) {
    return new WorkerSlots(id, pool, slots, free);
  }

  private static Plan plan(List<Waiting> queue, WorkerSlots... workers) {
    return GangScheduler.plan(queue, List.of(), List.of(workers));
  }

  @Test
  void shouldNotStraddlePoolsAndLetOthersPass() {
    Waiting wide = job("wide", 1, 2, 3, "");
    Waiting small = job("small", 2, 1, 4, "");
    Plan plan = plan(List.of(wide, small), worker("c", "cpu", 4, 4), worker("g", "gpu", 5, 5));
    assertThat(plan.gangs()).containsOnlyKeys("small");
    assertThat(plan.missing(wide))
        .contains(
            "replicas 2 x shards 3 = 6 ranks, but at most 5 slots are registered in one pool"
                + " (gpu)");
  }

  @Test
  void shouldPlaceInThePoolThatIsNamed() {
    List<WorkerSlots> workers =
        List.of(worker("a", "cpu", 8, 8), worker("b", "gpu", 2, 2), worker("c", "gpu", 2, 2));
    List<Waiting> queue =
        List.of(job("named", 1, 2, 2, "gpu"), job("more", 2, 1, 1, "gpu"), job("any", 3, 2, 2, ""));
    Plan plan = GangScheduler.plan(queue, List.of(), workers);
    assertThat(plan.gangs().get("named")).containsExactly("b", "b", "c", "c");
    assertThat(plan.gangs().get("any")).containsOnly("a");
    assertThat(plan.missing(queue.get(1)))
        .contains("replicas 1 x shards 1 = 1 ranks, but 0 slots are free in pool gpu");
  }

  @Test
  void shouldSayWhatIsMissingInWhichPool() {
    WorkerSlots cpu = worker("a", "cpu", 8, 3);
    WorkerSlots gpu = worker("b", "gpu", 4, 1);
    Waiting waiting = job("j", 1, 1, 6, "cpu");
    assertThat(plan(List.of(waiting), cpu, gpu).missing(waiting))
        .contains("replicas 1 x shards 6 = 6 ranks, but 3 slots are free in pool cpu");
    Waiting large = job("j", 1, 2, 4, "gpu");
    assertThat(plan(List.of(large), cpu, gpu).missing(large))
        .contains("replicas 2 x shards 4 = 8 ranks, but 4 slots are registered in pool gpu");
    Waiting any = job("j", 1, 2, 2, "");
    assertThat(plan(List.of(any), cpu, gpu).missing(any))
        .contains(
            "replicas 2 x shards 2 = 4 ranks, but at most 3 slots are free in one pool (cpu)");
    assertThat(plan(List.of(any), cpu).missing(any))
        .contains("replicas 2 x shards 2 = 4 ranks, but 3 slots are free");
    Waiting typo = job("j", 1, 1, 2, "gup");
    String none = "replicas 1 x shards 2 = 2 ranks, but no worker is registered in pool gup";
    assertThat(plan(List.of(typo), cpu, gpu).missing(typo))
        .contains(none + "; workers are in: cpu, gpu");
    assertThat(Plan.NONE.missing(typo)).contains(none);
  }

  @Test
  void shouldNameFewOfManyPools() {
    WorkerSlots[] workers =
        IntStream.range(0, 100)
            .mapToObj(i -> worker("w" + i, "p" + i, 1, 1))
            .toArray(WorkerSlots[]::new);
    Waiting job = job("j", 1, 1, 1, "none");
    assertThat(plan(List.of(job), workers).missing(job).orElseThrow())
        .endsWith("; workers are in: p0, p1, p10, p11, p12, p13, p14, p15, ...");
  }

  @Test
  void shouldTakeThePoolWithTheFewestWorkersThenTheOneWithTheFewestSlots() {
    WorkerSlots a = worker("a", "apart", 2, 2);
    WorkerSlots b = worker("b", "apart", 2, 2);
    WorkerSlots wide = worker("c", "wide", 8, 8);
    WorkerSlots narrow = worker("d", "xnarrow", 5, 5);
    List<Waiting> queue = List.of(job("j", 1, 1, 4, ""));
    assertThat(plan(queue, a, b, wide).gangs().get("j")).containsOnly("c");
    assertThat(plan(queue, a, b, wide, narrow).gangs().get("j")).containsOnly("d");
  }

  @Test
  void shouldKeepSlotsOnlyInThePoolOfTheJobThatWaits() {
    WorkerSlots cpu = worker("a", "cpu", 4, 2);
    WorkerSlots gpu = worker("b", "gpu", 4, 2);
    List<Holding> running = List.of(new Holding(1, "cpu", 2), new Holding(2, "gpu", 2));
    List<Waiting> queue =
        List.of(
            job("large", 3, 1, 4, "gpu"),
            job("same", 4, 1, 1, "gpu"),
            job("other", 5, 1, 1, "cpu"),
            job("any", 6, 1, 1, ""));
    Plan plan = GangScheduler.plan(queue, running, List.of(cpu, gpu));
    assertThat(plan.gangs()).containsOnlyKeys("other", "any");
    assertThat(plan.gangs().get("any")).containsOnly("a");
    assertThat(plan.missing(queue.get(1))).contains("waits behind job large");
  }

  /** In the other one more may come and go than the job that waits could bear. */
  @Test
  void shouldKeepSlotsForAJobOfAnyPoolInOneOfThem() {
    WorkerSlots cpu = worker("a", "cpu", 4, 2);
    WorkerSlots gpu = worker("b", "gpu", 4, 3);
    List<Waiting> queue =
        List.of(job("large", 3, 1, 4, ""), job("first", 4, 1, 2, ""), job("next", 5, 1, 1, "gpu"));
    List<Holding> running = List.of(new Holding(1, "cpu", 2), new Holding(2, "gpu", 1));
    Plan plan = GangScheduler.plan(queue, running, List.of(cpu, gpu));
    assertThat(plan.gangs().get("first")).containsOnly("a");
    assertThat(plan.gangs()).containsOnlyKeys("first");
    assertThat(plan.missing(queue.get(2))).contains("waits behind job large");
    // The pool that was overtaken in is none to wait for, though it has more free slots.
    List<Holding> later = List.of(new Holding(1, "cpu", 2), new Holding(4, "gpu", 1));
    Plan turned =
        GangScheduler.plan(
            List.of(queue.get(0), job("j", 6, 1, 1, "cpu"), job("k", 7, 1, 1, "gpu")),
            later,
            List.of(cpu, gpu));
    assertThat(turned.gangs()).containsOnlyKeys("k");
  }

  /** Small jobs come as fast as slots are free; one that needs a whole pool comes among them. */
  @Property(tries = 200)
  void shouldStartEveryJobThatFitsAPoolHoweverManyComeAfterIt(@ForAll long seed) {
    Random random = new Random(seed);
    Map<String, WorkerSlots> workers = new HashMap<>();
    for (int i = 0; i < 5; i++) {
      int slots = 1 + random.nextInt(4);
      workers.put("w" + i, worker("w" + i, "p" + random.nextInt(3), slots, slots));
    }
    List<Waiting> queue = new ArrayList<>();
    Map<Waiting, List<String>> running = new HashMap<>();
    int largest = capacity(workers).values().stream().max(Integer::compare).orElseThrow();
    Waiting large = job("large", 40, 1, 1 + random.nextInt(largest + 1), pool(random));
    for (int order = 0; order < 2_000 && !running.containsKey(large); order += 2) {
      queue.add(order == 40 ? large : job("j" + order, order, 1, 1, pool(random)));
      queue.add(job("k" + order, order + 1, 1, 1, pool(random)));
      if (!running.isEmpty()) {
        running.remove(oldestOrAny(running, random));
      }
      Plan plan = GangScheduler.plan(queue, holding(running, workers), free(running, workers));
      for (Waiting job : List.copyOf(queue)) {
        List<String> gang = plan.gangs().get(job.jobId());
        if (gang != null) {
          assertThat(gang).hasSize(job.size());
          assertThat(gang.stream().map(id -> workers.get(id).pool()).distinct())
              .hasSize(1)
              .allMatch(job::takes);
          queue.remove(job);
          running.put(job, gang);
        }
      }
      assertThat(free(running, workers)).noneMatch(worker -> worker.free() < 0);
    }
    boolean fits =
        capacity(workers).entrySet().stream()
            .anyMatch(pool -> large.takes(pool.getKey()) && large.size() <= pool.getValue());
    assertThat(running.containsKey(large)).isEqualTo(fits);
  }

  private static String pool(Random random) {
    return random.nextBoolean() ? "" : "p" + random.nextInt(3);
  }

  private static Map<String, Integer> capacity(Map<String, WorkerSlots> workers) {
    return workers.values().stream()
        .collect(
            Collectors.groupingBy(WorkerSlots::pool, Collectors.summingInt(WorkerSlots::slots)));
  }

  /** Jobs end in no order, but none runs for ever. */
  private static Waiting oldestOrAny(Map<Waiting, List<String>> running, Random random) {
    List<Waiting> all =
        running.keySet().stream().sorted(Comparator.comparingLong(Waiting::order)).toList();
    return all.get(random.nextInt(3) == 0 ? 0 : random.nextInt(all.size()));
  }

  private static List<Holding> holding(
      Map<Waiting, List<String>> running, Map<String, WorkerSlots> workers) {
    return running.entrySet().stream()
        .map(
            e ->
                new Holding(
                    e.getKey().order(),
                    workers.get(e.getValue().get(0)).pool(),
                    e.getValue().size()))
        .toList();
  }

  private static List<WorkerSlots> free(
      Map<Waiting, List<String>> running, Map<String, WorkerSlots> workers) {
    Map<String, Long> used =
        running.values().stream()
            .flatMap(List::stream)
            .collect(Collectors.groupingBy(id -> id, Collectors.counting()));
    return workers.values().stream()
        .map(
            w ->
                worker(
                    w.workerId(),
                    w.pool(),
                    w.slots(),
                    w.slots() - (int) (long) used.getOrDefault(w.workerId(), 0L)))
        .toList();
  }

  /** What one pool holds does not change what is decided for another where jobs name theirs. */
  @Property
  void shouldDecideForEachPoolAsIfItWereAlone(
      @ForAll @IntRange(min = 0, max = 1_000_000) int seed) {
    Random random = new Random(seed);
    List<WorkerSlots> workers = new ArrayList<>();
    List<Waiting> queue = new ArrayList<>();
    List<Holding> running = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int slots = 1 + random.nextInt(5);
      workers.add(worker("w" + i, "p" + i % 2, slots, random.nextInt(slots + 1)));
      running.add(new Holding(3 * i, "p" + random.nextInt(2), 1 + random.nextInt(3)));
    }
    for (int i = 0; i < 10; i++) {
      queue.add(job("j" + i, 2 * i + 1, 1 + random.nextInt(2), 1 + random.nextInt(4), "p" + i % 2));
    }
    Plan both = GangScheduler.plan(queue, running, workers);
    Map<String, List<String>> apart = new HashMap<>();
    for (String pool : List.of("p0", "p1")) {
      List<Waiting> own = queue.stream().filter(job -> job.pool().equals(pool)).toList();
      apart.putAll(
          GangScheduler.plan(
                  own,
                  running.stream().filter(held -> held.pool().equals(pool)).toList(),
                  workers.stream().filter(w -> w.pool().equals(pool)).toList())
              .gangs());
    }
    assertThat(both.gangs()).isEqualTo(apart);
  }
}
