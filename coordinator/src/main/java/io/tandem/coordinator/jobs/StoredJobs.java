package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.job.JobReason;
import java.util.TreeSet;

/** Between the state machine and its row. */
final class StoredJobs {
  private StoredJobs() {}

  static JobState state(StoredJob.Status status) {
    return new JobState(
        JobState.Status.valueOf(status.state()),
        JobReason.of(status.reason()),
        status.reasonText(),
        status.pausing(),
        status.attempt(),
        status.restarts(),
        status.maximumRestarts(),
        new Gang(status.waiting(), status.active()),
        status.modelPath());
  }

  /** Times are kept from the old row, or set when the state says that they are reached. */
  static StoredJob.Status row(JobState state, StoredJob.Status old, long now) {
    boolean runs = state.status() == JobState.Status.RUNNING;
    long startedAt = old == null ? 0 : old.startedAt();
    long endedAt = old == null ? 0 : old.endedAt();
    return new StoredJob.Status(
        state.status().name(),
        state.reason().name(),
        state.text(),
        state.pausing(),
        state.attempt(),
        state.restarts(),
        state.maximumRestarts(),
        new TreeSet<>(state.waiting()),
        new TreeSet<>(state.active()),
        state.modelPath(),
        startedAt == 0 && runs ? now : startedAt,
        endedAt == 0 && state.status().isEnd() ? now : endedAt);
  }
}
