package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.RunningAttempt;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The workers that are registered, and when each was last heard to run each attempt. Owned by the
 * manager's thread. Times are milliseconds.
 */
final class Workers {
  /** One registered process. */
  static final class Worker {
    final Register registration;
    final ActorRef<Object> actor;
    final long since;
    long heard;
    boolean leaving;

    /** Slots taken by ranks of attempts that are over, as it last said. */
    int stray;

    Worker(Register registration, ActorRef<Object> actor, long now) {
      this.registration = registration;
      this.actor = actor;
      this.since = now;
      this.heard = now;
    }
  }

  private record Part(String jobId, int attempt, String workerId) {}

  private final TreeMap<String, Worker> byId = new TreeMap<>();
  private final Map<Part, Long> heardRunning = new HashMap<>();

  void register(Register registration, ActorRef<Object> actor, long now) {
    Worker worker = new Worker(registration, actor, now);
    worker.leaving = find(registration.getWorkerId()).map(old -> old.leaving).orElse(false);
    byId.put(registration.getWorkerId(), worker);
    running(registration.getWorkerId(), registration.getRunningList(), now);
  }

  /** Whether that worker is registered. */
  boolean heartbeat(String workerId, List<RunningAttempt> running, long now) {
    Worker worker = byId.get(workerId);
    if (worker == null) {
      return false;
    }
    worker.heard = now;
    running(workerId, running, now);
    return true;
  }

  private void running(String workerId, List<RunningAttempt> running, long now) {
    for (RunningAttempt attempt : running) {
      Part part = new Part(attempt.getJobId(), attempt.getAttempt(), workerId);
      heardRunning.merge(part, now, Math::max);
    }
  }

  /** From now on that worker is expected to run that attempt. */
  void expect(String jobId, int attempt, String workerId, long now) {
    heardRunning.put(new Part(jobId, attempt, workerId), now);
  }

  /** When that worker was last heard to run that attempt, 0 when never. */
  long heardRunning(String jobId, int attempt, String workerId) {
    return heardRunning.getOrDefault(new Part(jobId, attempt, workerId), 0L);
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
    return silent;
  }

  void remove(String workerId) {
    byId.remove(workerId);
  }

  /** What can be placed on: workers that are not leaving, less the slots in use. */
  List<WorkerSlots> slots(Map<String, Integer> used) {
    return byId.entrySet().stream()
        .filter(entry -> !entry.getValue().leaving)
        .map(
            entry -> {
              int slots = entry.getValue().registration.getSlots();
              int taken = used.getOrDefault(entry.getKey(), 0) + entry.getValue().stray;
              int free = Math.max(0, slots - taken);
              return new WorkerSlots(entry.getKey(), slots, free);
            })
        .toList();
  }
}
