package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.StoredJob;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The jobs under way. Those that wait for slots and those that hold some are at hand without a look
 * at all the others: the queue may be long. Owned by the manager's thread.
 */
final class JobBook {
  private final Map<String, StoredJob> all = new TreeMap<>();
  private final Map<Long, StoredJob> placeable = new TreeMap<>();
  private final Map<String, StoredJob> active = new TreeMap<>();
  private final Map<String, StoredJob> idle = new TreeMap<>();

  /** Adds a job, or replaces what was known of it. */
  void put(StoredJob job) {
    String id = job.header().id();
    remove(id);
    all.put(id, job);
    JobState.Status state = JobState.Status.valueOf(job.status().state());
    if (!job.status().active().isEmpty()) {
      active.put(id, job);
    } else if (state == JobState.Status.QUEUED || state == JobState.Status.RECOVERING) {
      placeable.put(job.header().number(), job);
    } else {
      idle.put(id, job);
    }
  }

  void remove(String jobId) {
    StoredJob old = all.remove(jobId);
    if (old != null) {
      active.remove(jobId);
      idle.remove(jobId);
      placeable.remove(old.header().number());
    }
  }

  /** That job, or null. */
  StoredJob get(String jobId) {
    return all.get(jobId);
  }

  /** The ids of all; read only. */
  Set<String> ids() {
    return Collections.unmodifiableSet(all.keySet());
  }

  /** All of them. */
  Collection<StoredJob> all() {
    return Collections.unmodifiableCollection(all.values());
  }

  /** Jobs for which a gang may be looked for, in the order of their submission. */
  Collection<StoredJob> placeable() {
    return Collections.unmodifiableCollection(placeable.values());
  }

  /** Jobs with workers that have not ended. */
  Collection<StoredJob> active() {
    return Collections.unmodifiableCollection(active.values());
  }

  /** Those of which nothing is to be done now: paused, or over. */
  Collection<StoredJob> idle() {
    return Collections.unmodifiableCollection(idle.values());
  }
}
