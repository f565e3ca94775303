package io.tandem.coordinator.jobs;

import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.JobReason;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where a job stands. Pure: {@link #after} gives the next state and what is to be done.
 *
 * <pre>
 * QUEUED -> PLACING -> RUNNING -> SUCCEEDED
 *    ^         |          |  \--> FAILED
 *    |         v          v
 *    |      RECOVERING <--+        (placed again once every worker of the old attempt has ended)
 *  PAUSED <----+----------+        (after a checkpoint)
 * CANCELLING -> CANCELLED          (from any state before an end)
 * </pre>
 *
 * @param status the state that people see
 * @param reason why, as a code
 * @param text why, for people
 * @param pausing whether the attempt ends in PAUSED
 * @param attempt number of the last attempt, 0 before the first
 * @param restarts failed attempts since the last committed checkpoint
 * @param maximumRestarts more than so many fail the job
 * @param gang who hosts the attempt
 * @param modelPath the exported student, empty before
 */
public record JobState(
    Status status,
    JobReason reason,
    String text,
    boolean pausing,
    int attempt,
    int restarts,
    int maximumRestarts,
    Gang gang,
    String modelPath) {

  /** The states of a job. */
  public enum Status {
    QUEUED,
    PLACING,
    RUNNING,
    RECOVERING,
    PAUSED,
    CANCELLING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    /** Whether nothing changes any more. */
    public boolean isEnd() {
      return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
  }

  /** The next state and what is to be done. */
  public record Transition(JobState state, List<JobCommand> commands) {}

  /** A job that was just submitted. */
  public static JobState queued(int maximumRestarts) {
    return new JobState(
        Status.QUEUED, JobReason.NONE, "", false, 0, 0, maximumRestarts, Gang.NONE, "");
  }

  /** Workers of the attempt that have not reported their start. */
  public Set<String> waiting() {
    return gang.waiting();
  }

  /** Workers of the attempt that have not ended. */
  public Set<String> active() {
    return gang.active();
  }

  /** Whether nothing changes any more, but for workers that have still to end. */
  public boolean isEnd() {
    return status.isEnd();
  }

  /** Whether a gang may be looked for: the old attempt has ended everywhere. */
  public boolean isPlaceable() {
    return (status == Status.QUEUED || status == Status.RECOVERING) && active().isEmpty();
  }

  /** How the workers that are still active are to end; empty when they are to go on. */
  public Optional<StopMode> wantedStop() {
    if (active().isEmpty() || status == Status.SUCCEEDED) {
      return Optional.empty();
    } else if (status == Status.CANCELLING) {
      return Optional.of(StopMode.CANCEL);
    } else if (status == Status.FAILED || status == Status.CANCELLED) {
      return Optional.of(StopMode.ABANDON);
    } else if (status == Status.RECOVERING) {
      return Optional.of(
          reason == JobReason.WORKER_LEFT ? StopMode.CHECKPOINT_AND_STOP : StopMode.ABANDON);
    }
    return pausing ? Optional.of(StopMode.CHECKPOINT_AND_STOP) : Optional.empty();
  }

  /** Whether the attempt is only waited for: it is to end on every worker, or does so by itself. */
  public boolean isEnding() {
    return !isUnderWay() && !active().isEmpty();
  }

  /** What that event makes of this state; an event that does not fit changes nothing. */
  public Transition after(JobEvent event) {
    if (event instanceof JobEvent.Placed placed) {
      return isPlaceable() ? placed(placed.workers()) : unchanged();
    } else if (event instanceof JobEvent.Started started) {
      return concerns(started.attempt(), started.workerId())
          ? started(started.workerId())
          : unchanged();
    } else if (event instanceof JobEvent.Checkpointed checkpointed) {
      return checkpointed.attempt() == attempt ? just(withRestarts(0)) : unchanged();
    } else if (event instanceof JobEvent.Ended ended) {
      return concerns(ended.attempt(), ended.workerId()) ? ended(ended) : unchanged();
    } else if (event instanceof JobEvent.Lost lost) {
      return concerns(lost.attempt(), lost.workerId())
          ? with(gang.without(lost.workerId()))
              .interrupted(JobReason.WORKER_LOST, lost.text(), true)
          : unchanged();
    } else if (event instanceof JobEvent.Draining draining) {
      return isUnderWay() && active().contains(draining.workerId())
          ? stopped(this, StopMode.CHECKPOINT_AND_STOP)
          : unchanged();
    } else if (event instanceof JobEvent.Cancel) {
      return cancelled();
    } else if (event instanceof JobEvent.Pause) {
      return paused();
    } else {
      return status == Status.PAUSED
          ? just(with(Status.QUEUED, JobReason.NONE, ""))
          : pausing && !isEnd() ? just(withPausing(false)) : unchanged();
    }
  }

  private Transition placed(Set<String> workers) {
    JobState next =
        new JobState(
            Status.PLACING,
            JobReason.NONE,
            "",
            false,
            attempt + 1,
            restarts,
            maximumRestarts,
            new Gang(workers, workers),
            modelPath);
    return new Transition(next, List.of(new JobCommand.Start(next.attempt, workers)));
  }

  private Transition started(String workerId) {
    JobState next = with(gang.started(workerId));
    return just(
        status == Status.PLACING && next.waiting().isEmpty()
            ? next.with(Status.RUNNING, JobReason.NONE, "")
            : next);
  }

  private Transition ended(JobEvent.Ended event) {
    JobState next = with(gang.without(event.workerId()));
    return switch (event.outcome()) {
      case COMPLETED -> next.completed(event.modelPath());
      case FAILED_FINAL -> next.failed(event.reason(), event.text());
      case STOPPED -> next.interrupted(JobReason.WORKER_LEFT, event.text(), false);
      default -> next.interrupted(event.reason(), event.text(), true);
    };
  }

  /** Rank 0 exports the model after the last step of all, so its word alone decides. */
  private Transition completed(String path) {
    if (!status.isEnd() && !path.isEmpty()) {
      return just(withModel(path).with(Status.SUCCEEDED, JobReason.COMPLETED, ""));
    }
    if (!status.isEnd() && active().isEmpty()) {
      return status == Status.PLACING || status == Status.RUNNING
          ? just(with(Status.SUCCEEDED, JobReason.COMPLETED, ""))
          : settled();
    }
    return just(this);
  }

  /** Another worker's verdict may come after the first one's broken connection, and counts more. */
  private Transition failed(JobReason why, String explanation) {
    if (status.isEnd()) {
      return just(this);
    }
    if (status == Status.CANCELLING) {
      return settled();
    }
    return stopped(with(Status.FAILED, why, explanation), StopMode.ABANDON);
  }

  private Transition interrupted(JobReason why, String explanation, boolean counts) {
    if (status.isEnd()) {
      return just(this);
    }
    if (status == Status.CANCELLING && counts && !active().isEmpty()) {
      return stopped(this, StopMode.ABANDON); // beside a lost peer no step comes to its end
    }
    if (status == Status.CANCELLING || status == Status.RECOVERING) {
      return settled();
    }
    if (pausing && !counts) {
      return settled();
    }
    JobState next = counts ? withRestarts(restarts + 1) : this;
    if (next.restarts > maximumRestarts) {
      String last = "restarted " + maximumRestarts + " times; the last failure: " + explanation;
      return stopped(next.with(Status.FAILED, JobReason.TOO_MANY_RESTARTS, last), StopMode.ABANDON);
    }
    next = next.with(Status.RECOVERING, why, explanation);
    // Who was told to commit and stop does so; who works on beside a lost peer cannot.
    return next.active().isEmpty() || !counts ? next.settled() : stopped(next, StopMode.ABANDON);
  }

  /** Leaves a state that only waits for the workers, once all have ended. */
  private Transition settled() {
    if (!active().isEmpty()) {
      return just(this);
    }
    if (status == Status.CANCELLING) {
      return just(with(Status.CANCELLED, JobReason.CANCELLED_BY_USER, ""));
    }
    if (pausing) {
      return just(withPausing(false).with(Status.PAUSED, JobReason.PAUSED_BY_USER, ""));
    }
    return just(this);
  }

  private Transition cancelled() {
    if (status.isEnd() || status == Status.CANCELLING) {
      return unchanged();
    }
    if (active().isEmpty()) {
      return just(with(Status.CANCELLED, JobReason.CANCELLED_BY_USER, ""));
    }
    return stopped(
        withPausing(false).with(Status.CANCELLING, JobReason.CANCELLED_BY_USER, ""),
        StopMode.CANCEL);
  }

  private Transition paused() {
    if (status.isEnd() || status == Status.CANCELLING || status == Status.PAUSED || pausing) {
      return unchanged();
    }
    if (active().isEmpty()) {
      return just(with(Status.PAUSED, JobReason.PAUSED_BY_USER, ""));
    }
    JobState next = withPausing(true);
    return status == Status.RECOVERING ? just(next) : stopped(next, StopMode.CHECKPOINT_AND_STOP);
  }

  /** Whether an attempt runs, and is to. */
  boolean isUnderWay() {
    return status == Status.PLACING || status == Status.RUNNING;
  }

  private boolean concerns(int number, String workerId) {
    return number == attempt && active().contains(workerId);
  }

  private static Transition stopped(JobState next, StopMode mode) {
    return new Transition(
        next,
        next.active().isEmpty()
            ? List.of()
            : List.of(new JobCommand.Stop(next.attempt, mode, next.active())));
  }

  private Transition unchanged() {
    return just(this);
  }

  private static Transition just(JobState next) {
    return new Transition(next, List.of());
  }

  private JobState with(Gang next) {
    return copy(status, reason, text, pausing, restarts, next, modelPath);
  }

  private JobState with(Status next, JobReason why, String explanation) {
    boolean pauses = pausing && !next.isEnd();
    return copy(next, why, explanation, pauses, restarts, gang, modelPath);
  }

  private JobState withRestarts(int count) {
    return copy(status, reason, text, pausing, count, gang, modelPath);
  }

  private JobState withPausing(boolean next) {
    return copy(status, reason, text, next, restarts, gang, modelPath);
  }

  private JobState withModel(String path) {
    return copy(status, reason, text, pausing, restarts, gang, path);
  }

  /** What can change within an attempt. */
  private JobState copy(
      Status s, JobReason why, String words, boolean pauses, int count, Gang members, String path) {
    return new JobState(s, why, words, pauses, attempt, count, maximumRestarts, members, path);
  }
}
