package io.tandem.coordinator.jobs;

import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.job.JobReason;
import java.util.Set;

/** What can happen to a job. Events of an attempt that is over change nothing. */
public sealed interface JobEvent {
  /** A gang was found; these workers host the next attempt. */
  record Placed(Set<String> workers) implements JobEvent {}

  /** All ranks of that worker are connected and loaded. */
  record Started(int attempt, String workerId) implements JobEvent {}

  /** A checkpoint was committed. */
  record Checkpointed(int attempt) implements JobEvent {}

  /** All ranks of that worker have ended. */
  record Ended(
      int attempt,
      String workerId,
      Outcome outcome,
      JobReason reason,
      String text,
      String modelPath)
      implements JobEvent {}

  /** That worker, or its part of the attempt, is gone without a word. */
  record Lost(int attempt, String workerId, String text) implements JobEvent {}

  /** That worker wants to shut down. */
  record Draining(String workerId) implements JobEvent {}

  /** A person cancels. */
  record Cancel() implements JobEvent {}

  /** A person pauses. */
  record Pause() implements JobEvent {}

  /** A person resumes. */
  record Resume() implements JobEvent {}
}
