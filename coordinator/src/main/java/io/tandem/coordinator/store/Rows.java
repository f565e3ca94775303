package io.tandem.coordinator.store;

import java.util.List;

/** What is kept beside the jobs. Times are milliseconds since 1970. */
public final class Rows {
  /**
   * Something that happened to a job.
   *
   * @param id grows over all jobs; 0 before it is stored
   * @param type for example {@code state}, {@code checkpoint}, {@code evaluation}, {@code notice}
   * @param data a JSON object
   */
  public record Event(long id, String jobId, long time, int attempt, String type, String data) {}

  /** One value of a time series. */
  public record Metric(
      String jobId, String name, long time, int attempt, long step, double value) {}

  /**
   * One line of a worker's log.
   *
   * @param id grows over all jobs; 0 before it is stored
   */
  public record LogLine(
      long id, String jobId, long time, int attempt, String workerId, String line) {}

  /** A committed checkpoint; {@code path} as the workers see it. */
  public record Checkpoint(
      String jobId, String path, int attempt, long step, long bytes, double seconds, long time) {}

  /** Who hosted which rank of an attempt. */
  public record Attempt(String jobId, int attempt, List<String> workerByRank, long startedAt) {}

  /**
   * Where a job stands beside its own row.
   *
   * @param workerByRank of the attempt that the job's row tells; empty before the first
   * @param checkpointStep of its newest checkpoint, or null
   */
  public record Placement(List<String> workerByRank, Long checkpointStep) {}

  /** What a model says of an image: the most probable class. */
  public record Opinion(int label, double probability) {}

  /**
   * A test image of a job's last evaluation.
   *
   * @param place among the evaluated test images
   * @param teacher null where there is none
   * @param image JPEG or PNG
   */
  public record Sample(
      int place, long step, int label, Opinion student, Opinion teacher, byte[] image) {}

  private Rows() {}
}
