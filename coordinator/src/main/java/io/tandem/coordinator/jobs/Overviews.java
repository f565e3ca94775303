package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.WorkerView;
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
    return ledger.jobs().stream()
        .filter(job -> job.status().state().equals(JobState.Status.QUEUED.name()))
        .mapToLong(job -> ledger.now() - job.effort().since())
        .max()
        .orElse(0);
  }

  static WorkerView view(Workers.Worker worker, Map<String, Integer> used, Ledger ledger) {
    Register register = worker.registration;
    String id = register.getWorkerId();
    List<String> hosted =
        ledger.jobs().stream()
            .filter(job -> job.status().active().contains(id))
            .map(job -> job.header().id())
            .toList();
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
        .build();
  }
}
