package io.tandem.coordinator.store;

import java.util.List;

/**
 * What a job has taken and brought so far. Times are milliseconds since 1970, 0 when not yet.
 *
 * @param since when the job's state last changed
 * @param placedAt when it last left the queue
 * @param heldMillis how long it was placed, before that change; see {@code Goodput}
 * @param trainedSeconds time in the steps that led to its newest committed state
 * @param committedAt when that state was committed
 * @param open failures after which no step has been done yet, the oldest first
 * @param failures all of them so far
 * @param detectionSeconds their detection times, added up
 * @param recovered failures after which a step was done
 * @param recoverySeconds their recovery times, added up
 */
public record Effort(
    long since,
    long placedAt,
    long heldMillis,
    double trainedSeconds,
    long committedAt,
    List<Failure> open,
    long failures,
    double detectionSeconds,
    long recovered,
    double recoverySeconds) {
  /** An attempt that failed, and when that was decided. */
  public record Failure(int attempt, long at) {}

  public Effort {
    open = open == null ? List.of() : List.copyOf(open);
  }

  /** Of a job that was just submitted. */
  public static Effort none(long now) {
    return new Effort(now, 0, 0, 0, 0, List.of(), 0, 0, 0, 0);
  }
}
