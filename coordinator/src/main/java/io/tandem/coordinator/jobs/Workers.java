package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.job.PoolName;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The workers that are registered, and when each was last heard to run each attempt. Owned by the
 * manager's thread. Times are milliseconds of the steady clock.
 */
final class Workers {
  /** One registered process. */
  static final class Worker {
    final Register registration;
    final ActorRef<Object> actor;

    /** The worker pool that it is of. */
    final String pool;

    /** When it registered, by the wall clock. */
    final long since;

    long heard;
    boolean leaving;

    /**
     * It was lost and is back, and has not shown yet that it hears this coordinator. After a
     * partition one direction may work long before the other, which TCP tries less and less often.
     * What it said before it registered anew may come after that, by way of another coordinator.
     */
    boolean deaf;

    /** What it runs, as it last said. */
    List<RunningAttempt> running = List.of();

    /** Slots taken by ranks of attempts that are over, as it last said. */
    int stray;

    Worker(Register registration, ActorRef<Object> actor, long since, long now) {
      this.registration = registration;
      this.actor = actor;
      this.pool = PoolName.orDefault(registration.getPool());
      this.since = since;
      this.heard = now;
    }
  }

  /** That many lost workers are remembered. */
  private static final int REMEMBERED = 10_000;

  private record Part(String jobId, int attempt, String workerId) {}

  private final TreeMap<String, Worker> byId = new TreeMap<>();
  private final Map<Part, Long> heardRunning = new HashMap<>();
  private final Set<String> lost = new LinkedHashSet<>();

  /** {@code wall} is now by the wall clock. */
  void register(Register registration, ActorRef<Object> actor, long wall, long now) {
    Optional<Worker> old = find(registration.getWorkerId());
    Worker worker = new Worker(registration, actor, old.map(o -> o.since).orElse(wall), now);
    worker.leaving = old.map(o -> o.leaving).orElse(false);
    worker.deaf = old.map(o -> o.deaf).orElseGet(() -> isBack(registration));
    byId.put(registration.getWorkerId(), worker);
    running(registration.getWorkerId(), registration.getRunningList(), now);
  }

  /** Whether it was lost, to this leader or, as it says itself, to the one before. */
  private boolean isBack(Register registration) {
    return lost.remove(registration.getWorkerId()) || registration.getRound() > 1;
  }

  /** Whether that worker has registered anew since it said something in that round. */
  boolean isLate(String workerId, long round) {
    return find(workerId).filter(worker -> worker.registration.getRound() > round).isPresent();
  }

  /**
   * Whether that worker is registered. It sends these once it knows that it is; what it sent before
   * it registered anew is of no account.
   */
  boolean heartbeat(String workerId, long round, List<RunningAttempt> running, long now) {
    Worker worker = byId.get(workerId);
    if (worker == null || isLate(workerId, round)) {
      return false;
    }
    worker.heard = now;
    worker.deaf = false;
    running(workerId, running, now);
    return true;
  }

  private void running(String workerId, List<RunningAttempt> running, long now) {
    byId.get(workerId).running = running;
    for (RunningAttempt attempt : running) {
      Part part = new Part(attempt.getJobId(), attempt.getAttempt(), workerId);
      heardRunning.merge(part, now, Math::max);
    }
  }

  /** From now on that worker is expected to run that attempt. */
  void expect(String jobId, int attempt, String workerId, long now) {
    heardRunning.put(new Part(jobId, attempt, workerId), now);
  }

  /** Nobody was listened to for so long: that is no silence of theirs. */
  void shift(long gap, long now) {
    byId.values().forEach(worker -> worker.heard = Math.min(now, worker.heard + gap));
    heardRunning.replaceAll((part, heard) -> Math.min(now, heard + gap));
  }

  /** When that worker was last heard to run that attempt; when never, it is expected from now. */
  long heardRunning(String jobId, int attempt, String workerId, long now) {
    return heardRunning.computeIfAbsent(new Part(jobId, attempt, workerId), part -> now);
  }

  /** Forgets when attempts that are over were heard. */
  void keepOnly(Set<String> jobIds) {
    heardRunning.keySet().removeIf(part -> !jobIds.contains(part.jobId()));
  }

  Optional<Worker> find(String workerId) {
    return Optional.ofNullable(byId.get(workerId));
  }

  Collection<Worker> all() {
    return byId.values();
  }

  /** Removes the workers that were last heard before that time; returns their ids. */
  Set<String> removeSilent(long before) {
    Set<String> silent = new TreeSet<>();
    byId.forEach(
        (id, worker) -> {
          if (worker.heard < before) {
            silent.add(id);
          }
        });
    silent.forEach(byId::remove);
    lost.addAll(silent);
    Iterator<String> oldest = lost.iterator();
    while (lost.size() > REMEMBERED) {
      oldest.next();
      oldest.remove();
    }
    return silent;
  }

  void remove(String workerId) {
    byId.remove(workerId);
  }

  /**
   * What can be placed on: workers that are not leaving, less the slots in use. One that still runs
   * what is over takes nothing new: the same job's next attempt would only wait there. Nor does one
   * that may not hear of it.
   */
  List<WorkerSlots> slots(Map<String, Integer> used) {
    return byId.entrySet().stream()
        .filter(entry -> !entry.getValue().leaving)
        .map(
            entry -> {
              int slots = entry.getValue().registration.getSlots();
              int taken = used.getOrDefault(entry.getKey(), 0);
              boolean closed = entry.getValue().stray > 0 || entry.getValue().deaf;
              int free = closed ? 0 : Math.max(0, slots - taken);
              return new WorkerSlots(entry.getKey(), entry.getValue().pool, slots, free);
            })
        .toList();
  }
}
