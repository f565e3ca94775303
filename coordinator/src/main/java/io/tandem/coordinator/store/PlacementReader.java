package io.tandem.coordinator.store;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;

/** Reads where jobs stand, many at once: {@link Many#MOST} of a list take two questions. */
final class PlacementReader {
  private PlacementReader() {}

  static Map<String, Rows.Placement> read(Handle handle, Collection<StoredJob> jobs) {
    Map<String, Integer> placed = new HashMap<>();
    for (StoredJob job : jobs) {
      if (job.status().attempt() > 0) { // before, there is nothing to look for
        placed.put(job.header().id(), job.status().attempt());
      }
    }
    Map<String, List<String>> workers = new HashMap<>();
    Map<String, Long> steps = new HashMap<>();
    Many.of(placed.keySet())
        .forEach(
            some -> {
              workers.putAll(workersByRank(handle, some, placed));
              steps.putAll(checkpointSteps(handle, some));
            });
    Map<String, Rows.Placement> placements = new HashMap<>();
    for (StoredJob job : jobs) {
      String id = job.header().id();
      placements.put(id, new Rows.Placement(workers.getOrDefault(id, List.of()), steps.get(id)));
    }
    return placements;
  }

  /** Of these attempts: the jobs were read before, and another attempt may have begun since. */
  private static Map<String, List<String>> workersByRank(
      Handle handle, List<String> jobIds, Map<String, Integer> attempts) {
    Map<String, List<String>> workers = new HashMap<>();
    handle
        .createQuery(
            "SELECT job_id, attempts.attempt, worker_by_rank FROM jobs JOIN attempts"
                + " ON job_id = id AND attempts.attempt >= jobs.attempt - 1 WHERE id IN (<ids>)")
        .bindList("ids", jobIds)
        .map(
            (row, context) ->
                new Rows.Attempt(
                    row.getString(1), row.getInt(2), Json.strings(row.getString(3)), 0))
        .list()
        .stream()
        .filter(attempt -> attempt.attempt() == attempts.get(attempt.jobId()))
        .forEach(attempt -> workers.put(attempt.jobId(), attempt.workerByRank()));
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
