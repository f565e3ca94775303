package io.tandem.coordinator.jobs;

import io.tandem.coordinator.store.Effort;
import io.tandem.coordinator.store.StoredJob;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The effective-training-time ratio of a job, and how long its failures took. Pure.
 *
 * <p>Goodput is time in committed steps over time placed.
 *
 * <ul>
 *   <li>Time in committed steps: the wall-clock time of rank 0 in the training steps that led to
 *       the newest committed checkpoint, or to the state that the running attempt began from. It is
 *       kept in the checkpoint, so what a later attempt had to repeat does not count, nor what no
 *       checkpoint holds yet, nor evaluations and checkpoints themselves. Waiting for other ranks
 *       or for data within a step does count.
 *   <li>Time placed: from each placement until the job ends or is paused, the time in which it
 *       recovers and waits for slots after a failure with it. The time in the queue before the
 *       first placement, and from a pause to the next placement, does not count.
 * </ul>
 *
 * <p>A failure ends an attempt against everybody's will. Its detection time runs to the
 * coordinator's decision: from the last heartbeat of the worker that is given up for its silence;
 * where a worker reports the failure, from when it began to wait for the peer that it lost, or from
 * what went wrong with itself. Its recovery time runs from the decision to the report of the first
 * step of a later attempt.
 */
public final class Goodput {
  /** More that fail one after the other without a single step are counted, but not timed. */
  private static final int MOST_OPEN = 100;

  private Goodput() {}

  /** When the last thing happened that is stored of this job: REST tells what was so then. */
  public static long asOf(StoredJob job) {
    Effort effort = job.effort();
    return Math.max(effort.since(), Math.max(effort.committedAt(), job.progress().reportedAt()));
  }

  /** The ratio at that time, from 0 to 1; empty before the job was placed. */
  public static OptionalDouble ratio(Effort effort, JobState.Status status, long now) {
    double placed = placedSeconds(effort, status, now);
    return placed > 0
        ? OptionalDouble.of(Math.min(1, effort.trainedSeconds() / placed))
        : OptionalDouble.empty();
  }

  /** How long the job was placed, up to that time. */
  public static double placedSeconds(Effort effort, JobState.Status status, long now) {
    return heldMillis(effort, status, now) / 1000.0;
  }

  /** Whether a job in that state counts as placed. */
  public static boolean isPlaced(JobState.Status status) {
    return switch (status) {
      case PLACING, RUNNING, RECOVERING, CANCELLING -> true;
      case QUEUED, PAUSED, SUCCEEDED, FAILED, CANCELLED -> false;
    };
  }

  private static long heldMillis(Effort effort, JobState.Status status, long now) {
    long running = isPlaced(status) ? Math.max(0, now - effort.since()) : 0;
    return effort.heldMillis() + running;
  }

  /** The job's state has changed. */
  static Effort moved(Effort effort, JobState.Status from, JobState.Status to, long now) {
    if (from == to) {
      return effort;
    }
    boolean leavesQueue = isPlaced(to) && !isPlaced(from);
    // What ends or rests is not recovered from; when it goes on, a person has decided so.
    boolean rests = to.isEnd() || to == JobState.Status.PAUSED;
    return new Effort(
        now,
        leavesQueue ? now : effort.placedAt(),
        heldMillis(effort, from, now),
        effort.trainedSeconds(),
        effort.committedAt(),
        rests ? List.of() : effort.open(),
        effort.failures(),
        effort.detectionSeconds(),
        effort.recovered(),
        effort.recoverySeconds());
  }

  /** The state that the steps of so many seconds led to was committed, or loaded again. */
  static Effort trained(Effort effort, double seconds, long committedAt) {
    return new Effort(
        effort.since(),
        effort.placedAt(),
        effort.heldMillis(),
        seconds,
        committedAt,
        effort.open(),
        effort.failures(),
        effort.detectionSeconds(),
        effort.recovered(),
        effort.recoverySeconds());
  }

  /** It was decided that an attempt has failed. */
  static Effort failed(Effort effort, int attempt, double detectionSeconds, long now) {
    List<Effort.Failure> open = new ArrayList<>(effort.open());
    if (open.size() < MOST_OPEN) {
      open.add(new Effort.Failure(attempt, now));
    }
    return new Effort(
        effort.since(),
        effort.placedAt(),
        effort.heldMillis(),
        effort.trainedSeconds(),
        effort.committedAt(),
        open,
        effort.failures() + 1,
        effort.detectionSeconds() + detectionSeconds,
        effort.recovered(),
        effort.recoverySeconds());
  }

  /** Nothing will be recovered from any more. */
  static Effort closed(Effort effort) {
    return new Effort(
        effort.since(),
        effort.placedAt(),
        effort.heldMillis(),
        effort.trainedSeconds(),
        effort.committedAt(),
        List.of(),
        effort.failures(),
        effort.detectionSeconds(),
        effort.recovered(),
        effort.recoverySeconds());
  }

  /** That attempt has done a step: the failures of those before it are over. */
  static Effort stepped(Effort effort, int attempt, long now) {
    List<Effort.Failure> open = new ArrayList<>(effort.open());
    List<Effort.Failure> over = recovered(effort, attempt);
    open.removeAll(over);
    double seconds = over.stream().mapToDouble(failure -> recoverySeconds(failure, now)).sum();
    return new Effort(
        effort.since(),
        effort.placedAt(),
        effort.heldMillis(),
        effort.trainedSeconds(),
        effort.committedAt(),
        open,
        effort.failures(),
        effort.detectionSeconds(),
        effort.recovered() + over.size(),
        effort.recoverySeconds() + seconds);
  }

  /** The failures that a step of that attempt ends. */
  static List<Effort.Failure> recovered(Effort effort, int attempt) {
    return effort.open().stream().filter(failure -> failure.attempt() < attempt).toList();
  }

  static double recoverySeconds(Effort.Failure failure, long now) {
    return Math.max(0, now - failure.at()) / 1000.0;
  }
}
