package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.WorkerView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The cluster as people see it. */
final class Overviews {
  private Overviews() {}

  static boolean isPlaced(StoredJob job) {
    return Goodput.isPlaced(JobState.Status.valueOf(job.status().state()));
  }

  /** How long the job has waited that waits longest, 0 for none. */
  static long queueMillis(Ledger ledger) {
    return ledger.jobs().placeable().stream()
        .filter(job -> job.status().state().equals(JobState.Status.QUEUED.name()))
        .mapToLong(job -> ledger.now() - job.effort().since())
        .max()
        .orElse(0);
  }

  /** By worker, the jobs that it hosts. */
  static Map<String, List<String>> hosted(Ledger ledger) {
    Map<String, List<String>> hosted = new HashMap<>();
    for (StoredJob job : ledger.jobs().active()) {
      for (String worker : job.status().active()) {
        hosted.computeIfAbsent(worker, id -> new ArrayList<>()).add(job.header().id());
      }
    }
    return hosted;
  }

  static WorkerView view(
      Workers.Worker worker, Map<String, Integer> used, List<String> hosted, Ledger ledger) {
    Register register = worker.registration;
    String id = register.getWorkerId();
    return WorkerView.newBuilder()
        .setId(id)
        .setHost(register.getHost())
        .setDataPort(register.getDataPort())
        .setMetricsPort(register.getMetricsPort())
        .setDevice(register.getDevice())
        .setProcessors(register.getProcessors())
        .setMemoryBytes(register.getMemoryBytes())
        .setSlots(register.getSlots())
        .setUsedSlots(used.getOrDefault(id, 0))
        .setVersion(register.getVersion())
        .setLeaving(worker.leaving)
        .setRegisteredAt(worker.since)
        .setHeartbeatAt(ledger.now() - (ledger.steady() - worker.heard))
        .addAllJobs(hosted)
        .addAllRunning(worker.running)
        .setPool(worker.pool)
        .build();
  }
}
