package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Register;
import java.util.List;
import java.util.Map;

/** The cluster as people see it. */
final class Overviews {
  private Overviews() {}

  static List<StoredJob> placed(Ledger ledger) {
    return ledger.jobs().stream()
        .filter(job -> Goodput.isPlaced(JobState.Status.valueOf(job.status().state())))
        .toList();
  }

  static long queueMillis(Ledger ledger) {
    return ledger.jobs().stream()
        .filter(job -> job.status().state().equals(JobState.Status.QUEUED.name()))
        .mapToLong(job -> ledger.now() - job.effort().since())
        .max()
        .orElse(0);
  }

  static JobMessage.WorkerView view(
      Workers.Worker worker, Map<String, Integer> used, Ledger ledger) {
    Register register = worker.registration;
    String id = register.getWorkerId();
    List<String> hosted =
        ledger.jobs().stream()
            .filter(job -> job.status().active().contains(id))
            .map(job -> job.header().id())
            .toList();
    return new JobMessage.WorkerView(
        id,
        register.getHost(),
        register.getDataPort(),
        register.getMetricsPort(),
        register.getDevice(),
        register.getProcessors(),
        register.getMemoryBytes(),
        register.getSlots(),
        used.getOrDefault(id, 0),
        register.getVersion(),
        worker.leaving,
        worker.since,
        ledger.now() - (ledger.steady() - worker.heard),
        hosted);
  }
}
