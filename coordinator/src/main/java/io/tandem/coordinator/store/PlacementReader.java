package io.tandem.coordinator.store;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/** Reads where jobs stand, many at once: a list asks the database twice, however long it is. */
final class PlacementReader {
  private PlacementReader() {}

  static Map<String, Rows.Placement> read(Handle handle, Collection<StoredJob> jobs) {
    List<String> placed =
        jobs.stream()
            .filter(job -> job.status().attempt() > 0) // before, there is nothing to look for
            .map(job -> job.header().id())
            .toList();
    Map<String, List<String>> workers = new HashMap<>();
    Map<String, Long> steps = new HashMap<>();
    Many.of(placed)
        .forEach(
            some -> {
              workers.putAll(workersByRank(handle, some));
              steps.putAll(checkpointSteps(handle, some));
            });
    Map<String, Rows.Placement> placements = new HashMap<>();
    for (StoredJob job : jobs) {
      String id = job.header().id();
      placements.put(id, new Rows.Placement(workers.getOrDefault(id, List.of()), steps.get(id)));
    }
    return placements;
  }

  private static Map<String, List<String>> workersByRank(Handle handle, List<String> jobIds) {
    Map<String, List<String>> workers = new HashMap<>();
    handle
        .createQuery(
            "SELECT id, worker_by_rank FROM jobs JOIN attempts ON attempts.job_id = jobs.id"
                + " AND attempts.attempt = jobs.attempt WHERE id IN (<ids>)")
        .bindList("ids", jobIds)
        .map((row, context) -> Map.entry(row.getString(1), Json.strings(row.getString(2))))
        .forEach(entry -> workers.put(entry.getKey(), entry.getValue()));
    return workers;
  }

  private static Map<String, Long> checkpointSteps(Handle handle, List<String> jobIds) {
    Map<String, Long> steps = new HashMap<>();
    handle
        .createQuery(
            "SELECT job_id, MAX(step) FROM checkpoints WHERE job_id IN (<ids>) GROUP BY job_id")
        .bindList("ids", jobIds)
        .map((row, context) -> Map.entry(row.getString(1), row.getLong(2)))
        .forEach(entry -> steps.put(entry.getKey(), entry.getValue()));
    return steps;
  }
}
