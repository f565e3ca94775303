package io.tandem.coordinator.store;

import java.util.Map;
import java.util.Set;

/**
 * A job as it is stored. Times are milliseconds since 1970, 0 when not yet.
 *
 * @param header what its user gave
 * @param status where the job stands
 * @param progress what its last report said
 * @param effort what it has taken and brought so far
 */
public record StoredJob(Header header, Status status, Progress progress, Effort effort) {
  /** A job of which nothing has come yet. */
  public StoredJob(Header header, Status status, Progress progress) {
    this(header, status, progress, Effort.none(header.createdAt()));
  }

  /**
   * What its user gave. Only the mesh changes, when a paused job is resumed on another one.
   *
   * @param number order of submission; 0 before it is stored
   * @param id the job's id
   * @param name as its user calls it
   * @param spec the job file as canonical JSON
   * @param replicas R
   * @param shards S
   * @param pool the worker pool that it names, empty for any
   * @param idempotencyKey as its user gave it, or null
   * @param submitted SHA-256 of the job file as it was submitted, in hexadecimal
   * @param createdAt when it was submitted
   */
  public record Header(
      long number,
      String id,
      String name,
      String spec,
      int replicas,
      int shards,
      String pool,
      String idempotencyKey,
      String submitted,
      long createdAt) {
    /** As it is once it is stored. */
    public Header numbered(long stored) {
      return new Header(
          stored, id, name, spec, replicas, shards, pool, idempotencyKey, submitted, createdAt);
    }
  }

  /**
   * Where the job stands; see the state machine for the meaning of the first ten.
   *
   * @param startedAt when its first attempt ran
   * @param endedAt when it reached an end
   */
  public record Status(
      String state,
      String reason,
      String reasonText,
      boolean pausing,
      int attempt,
      int restarts,
      int maximumRestarts,
      Set<String> waiting,
      Set<String> active,
      String modelPath,
      long startedAt,
      long endedAt) {}

  /**
   * The last report.
   *
   * @param values losses, accuracies and the like, the newest of each
   * @param phaseSeconds seconds of the mean step by phase
   * @param reportedAt when a step was last reported
   */
  public record Progress(
      long step,
      long totalSteps,
      String phase,
      double stepsPerSecond,
      double imagesPerSecond,
      Map<String, Double> values,
      Map<String, Double> phaseSeconds,
      long reportedAt) {
    /** Before the first report. */
    public static Progress none() {
      return new Progress(0, 0, "", 0, 0, Map.of(), Map.of(), 0);
    }
  }

  /** With another header. */
  public StoredJob with(Header next) {
    return new StoredJob(next, status, progress, effort);
  }

  /** With another status. */
  public StoredJob with(Status next) {
    return new StoredJob(header, next, progress, effort);
  }

  /** With other progress. */
  public StoredJob with(Progress next) {
    return new StoredJob(header, status, next, effort);
  }

  /** With another effort. */
  public StoredJob with(Effort next) {
    return new StoredJob(header, status, progress, next);
  }
}
