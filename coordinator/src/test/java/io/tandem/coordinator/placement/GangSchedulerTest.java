package io.tandem.coordinator.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.placement.GangScheduler.Holding;
import io.tandem.coordinator.placement.GangScheduler.Waiting;
import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class GangSchedulerTest {
  private static final String POOL = "default";

  private static Waiting job(String id, long order, int replicas, int shards) {
    return new Waiting(id, order, replicas, shards, "");
  }

  private static WorkerSlots worker(String id, int slots) {
    return new WorkerSlots(id, POOL, slots, slots);
  }

  @Test
  void shouldSayWhatIsMissing() {
    Waiting never = job("j", 1, 3, 4);
    Waiting later = job("k", 2, 1, 1);
    Waiting last = job("l", 3, 2, 1);
    Plan plan =
        GangScheduler.plan(
            List.of(never, later, last), List.of(), List.of(new WorkerSlots("a", POOL, 8, 1)));
    assertThat(plan.gangs()).containsOnlyKeys("k");
    assertThat(plan.missing(never))
        .contains("replicas 3 x shards 4 = 12 ranks, but 8 slots are registered");
    assertThat(plan.missing(later)).isEmpty();
    assertThat(plan.missing(last))
        .contains("replicas 2 x shards 1 = 2 ranks, but 0 slots are free");
  }

  /** Job by job, each with a look at all before it: as the rule is told. */
  private static Map<String, String> byTheRule(
      List<Waiting> queue, List<Holding> running, List<WorkerSlots> workers) {
    int capacity = workers.stream().mapToInt(WorkerSlots::slots).sum();
    int unused = workers.stream().mapToInt(WorkerSlots::free).sum();
    List<Holding> holding = new ArrayList<>(running);
    List<Waiting> blocked = new ArrayList<>();
    Map<String, String> fates = new HashMap<>();
    for (Waiting job : queue) {
      int size = job.size();
      String fate = "placed";
      for (Waiting first : blocked) {
        int overtaking =
            holding.stream().filter(h -> h.order() > first.order()).mapToInt(Holding::size).sum();
        if (fate.equals("placed") && capacity - overtaking - size < first.size()) {
          fate = "waits behind job " + first.jobId();
        }
      }
      fate = size > capacity ? "never" : size > unused ? "too few" : fate;
      fates.put(job.jobId(), fate);
      if (fate.equals("placed")) {
        unused -= size;
        holding.add(new Holding(job.order(), POOL, size));
      } else if (!fate.equals("never")) {
        blocked.add(job);
      }
    }
    return fates;
  }

  @Property
  void shouldDecideByTheRule(
      @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 0, max = 34) Integer> hosts,
      @ForAll @Size(max = 20) List<@IntRange(min = 11, max = 44) Integer> meshes,
      @ForAll @Size(max = 8) List<@IntRange(min = 1, max = 6) Integer> held) {
    List<WorkerSlots> workers = new ArrayList<>();
    for (int i = 0; i < hosts.size(); i++) {
      int slots = 1 + hosts.get(i) % 10;
      workers.add(new WorkerSlots("w" + i, POOL, slots, Math.min(slots, hosts.get(i) / 10)));
    }
    List<Waiting> queue = new ArrayList<>();
    for (int i = 0; i < meshes.size(); i++) {
      queue.add(job("j" + i, 2 * i, meshes.get(i) / 10, meshes.get(i) % 10 / 2 + 1));
    }
    List<Holding> running = new ArrayList<>();
    for (int i = 0; i < held.size(); i++) {
      running.add(new Holding(5 * i - 3, POOL, held.get(i)));
    }
    Plan plan = GangScheduler.plan(queue, running, workers);
    Map<String, String> fates = byTheRule(queue, running, workers);
    for (Waiting job : queue) {
      String fate = fates.get(job.jobId());
      boolean placed = fate.equals("placed");
      assertThat(plan.gangs().containsKey(job.jobId())).as(job.jobId()).isEqualTo(placed);
      String missing = plan.missing(job).orElse("placed");
      switch (fate) {
        case "never" -> assertThat(missing).endsWith("registered");
        case "too few" -> assertThat(missing).endsWith("free");
        default -> assertThat(missing).isEqualTo(fate);
      }
    }
  }

  @Test
  void shouldKeepAGroupOnOneWorkerWhereItFits() {
    Plan plan =
        GangScheduler.plan(
            List.of(job("j", 1, 2, 4)),
            List.of(),
            List.of(worker("a", 3), worker("b", 5), worker("c", 4)));
    assertThat(plan.gangs().get("j")).containsExactly("c", "c", "c", "c", "b", "b", "b", "b");
  }

  @Test
  void shouldKeepAGangOnOneWorkerWhereItFits() {
    Plan plan =
        GangScheduler.plan(
            List.of(job("j", 1, 2, 2)), List.of(), List.of(worker("a", 2), worker("b", 4)));
    assertThat(plan.gangs().get("j")).containsOnly("b");
  }

  @Test
  void shouldNotLetASmallJobStarveTheFirst() {
    List<WorkerSlots> half = List.of(new WorkerSlots("a", POOL, 4, 2));
    List<Waiting> queue = List.of(job("large", 2, 1, 4), job("small", 3, 1, 1));
    Plan plan = GangScheduler.plan(queue, List.of(new Holding(1, POOL, 2)), half);
    assertThat(plan.gangs()).isEmpty();
    assertThat(plan.missing(queue.get(1))).contains("waits behind job large");
  }

  @Test
  void shouldOvertakeWhenTheFirstStillFitsBesideAndWhenItNeverCan() {
    List<WorkerSlots> workers = List.of(new WorkerSlots("a", POOL, 5, 2));
    List<Holding> running = List.of(new Holding(1, POOL, 3));
    assertThat(
            GangScheduler.plan(
                    List.of(job("large", 2, 1, 4), job("small", 3, 1, 1)), running, workers)
                .gangs())
        .containsOnlyKeys("small");
    assertThat(
            GangScheduler.plan(
                    List.of(job("huge", 2, 1, 6), job("small", 3, 1, 2)), running, workers)
                .gangs())
        .containsOnlyKeys("small");
  }

  @Property
  void shouldPlaceWholeGangsOnFreeSlotsAndNeverDependOnTheOrderOfItsInput(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 6) Integer> slots,
      @ForAll @Size(max = 6) List<@IntRange(min = 11, max = 34) Integer> meshes) {
    List<WorkerSlots> workers = new ArrayList<>();
    for (int i = 0; i < slots.size(); i++) {
      workers.add(worker("w" + i, slots.get(i)));
    }
    List<Waiting> queue = new ArrayList<>();
    for (int i = 0; i < meshes.size(); i++) {
      queue.add(job("j" + i, i, meshes.get(i) / 10, 1 + meshes.get(i) % 10));
    }
    Plan plan = GangScheduler.plan(queue, List.of(), workers);

    Map<String, Integer> used = new HashMap<>();
    plan.gangs().values().forEach(g -> g.forEach(w -> used.merge(w, 1, Integer::sum)));
    workers.forEach(
        w -> assertThat(used.getOrDefault(w.workerId(), 0)).isLessThanOrEqualTo(w.free()));
    for (Waiting job : queue) {
      assertThat(plan.gangs().containsKey(job.jobId())).isNotEqualTo(plan.missing(job).isPresent());
      if (plan.gangs().containsKey(job.jobId())) {
        assertThat(plan.gangs().get(job.jobId())).hasSize(job.size());
      }
    }
    if (!queue.isEmpty()) {
      int capacity = slots.stream().mapToInt(Integer::intValue).sum();
      assertThat(plan.gangs().containsKey("j0")).isEqualTo(queue.get(0).size() <= capacity);
    }
    List<Waiting> shuffled = new ArrayList<>(queue);
    Collections.reverse(shuffled);
    List<WorkerSlots> turned = new ArrayList<>(workers);
    Collections.reverse(turned);
    assertThat(new LinkedHashMap<>(GangScheduler.plan(shuffled, List.of(), turned).gangs()))
        .isEqualTo(plan.gangs());
  }
}
