package io.tandem.coordinator.store;

import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.jdbi.v3.core.statement.SqlStatement;

/**
 * The writes of one transaction. What there is much of is sent at its end, statements of one kind
 * together and in their order: else each would wait for the database's answer. Kinds write other
 * tables or columns than each other, so that it matters to none when another is sent.
 */
public final class StoreWriter {
  private final Handle handle;
  private final Map<String, PreparedBatch> waiting = new LinkedHashMap<>();

  StoreWriter(Handle handle) {
    this.handle = handle;
  }

  private PreparedBatch later(String sql) {
    return waiting.computeIfAbsent(sql, handle::prepareBatch);
  }

  /** Sends what waits; last in the transaction. */
  void flush() {
    waiting.values().forEach(PreparedBatch::execute);
    waiting.clear();
  }

  /** Stores a new job; returns its number. */
  public long insert(StoredJob job) {
    StoredJob.Header header = job.header();
    return bindStatus(
            handle
                .createUpdate(
                    "INSERT INTO jobs (id, name, spec, replicas, shards, pool, idempotency_key,"
                        + " submitted, created_at, state, reason, reason_text, pausing, attempt,"
                        + " restarts, maximum_restarts, waiting, active, model_path, started_at,"
                        + " ended_at, effort) VALUES (:id, :name, :spec, :replicas, :shards, :pool, :key,"
                        + " :submitted, :createdAt, :state, :reason, :reasonText, :pausing,"
                        + " :attempt, :restarts, :maximumRestarts, :waiting, :active, :modelPath,"
                        + " :startedAt, :endedAt, :effort)")
                .bind("id", header.id())
                .bind("name", header.name())
                .bind("spec", header.spec())
                .bind("replicas", header.replicas())
                .bind("shards", header.shards())
                .bind("pool", header.pool())
                .bind("key", header.idempotencyKey())
                .bind("submitted", header.submitted())
                .bind("createdAt", header.createdAt())
                .bind("effort", Json.write(job.effort())),
            job.status())
        .executeAndReturnGeneratedKeys("number")
        .mapTo(Long.class)
        .one();
  }

  /** Stores a job's changed mesh. */
  public void update(StoredJob.Header header) {
    handle
        .createUpdate(
            "UPDATE jobs SET spec = :spec, replicas = :replicas, shards = :shards WHERE id = :id")
        .bind("id", header.id())
        .bind("spec", header.spec())
        .bind("replicas", header.replicas())
        .bind("shards", header.shards())
        .execute();
  }

  /** Stores where a job stands. */
  public void update(String jobId, StoredJob.Status status) {
    bindStatus(
            later(
                    "UPDATE jobs SET state = :state, reason = :reason, reason_text = :reasonText,"
                        + " pausing = :pausing, attempt = :attempt, restarts = :restarts,"
                        + " maximum_restarts = :maximumRestarts, waiting = :waiting,"
                        + " active = :active, model_path = :modelPath, started_at = :startedAt,"
                        + " ended_at = :endedAt WHERE id = :id")
                .bind("id", jobId),
            status)
        .add();
  }

  private static <S extends SqlStatement<S>> S bindStatus(S statement, StoredJob.Status status) {
    return statement
        .bind("state", status.state())
        .bind("reason", status.reason())
        .bind("reasonText", status.reasonText())
        .bind("pausing", status.pausing() ? 1 : 0)
        .bind("attempt", status.attempt())
        .bind("restarts", status.restarts())
        .bind("maximumRestarts", status.maximumRestarts())
        .bind("waiting", Json.write(status.waiting()))
        .bind("active", Json.write(status.active()))
        .bind("modelPath", status.modelPath())
        .bind("startedAt", status.startedAt())
        .bind("endedAt", status.endedAt());
  }

  /** Stores a job's last report. */
  public void update(String jobId, StoredJob.Progress progress) {
    later(
            "UPDATE jobs SET step = :step, total_steps = :totalSteps, phase = :phase,"
                + " steps_per_second = :steps, images_per_second = :images,"
                + " value_map = :values, phase_seconds = :phases, reported_at = :time"
                + " WHERE id = :id")
        .bind("id", jobId)
        .bind("step", progress.step())
        .bind("totalSteps", progress.totalSteps())
        .bind("phase", progress.phase())
        .bind("steps", progress.stepsPerSecond())
        .bind("images", progress.imagesPerSecond())
        .bind("values", Json.write(progress.values()))
        .bind("phases", Json.write(progress.phaseSeconds()))
        .bind("time", progress.reportedAt())
        .add();
  }

  /** Stores what a job has taken and brought so far. */
  public void update(String jobId, Effort effort) {
    later("UPDATE jobs SET effort = :effort WHERE id = :id")
        .bind("id", jobId)
        .bind("effort", Json.write(effort))
        .add();
  }

  /** Stores who hosts an attempt. */
  public void insert(Rows.Attempt attempt) {
    later(
            "INSERT INTO attempts (job_id, attempt, worker_by_rank, started_at)"
                + " VALUES (:job, :attempt, :workers, :time)")
        .bind("job", attempt.jobId())
        .bind("attempt", attempt.attempt())
        .bind("workers", Json.write(attempt.workerByRank()))
        .bind("time", attempt.startedAt())
        .add();
  }

  /** Stores an event. */
  public void insert(Rows.Event event) {
    later(
            "INSERT INTO events (job_id, time, attempt, type, data)"
                + " VALUES (:job, :time, :attempt, :type, :data)")
        .bind("job", event.jobId())
        .bind("time", event.time())
        .bind("attempt", event.attempt())
        .bind("type", event.type())
        .bind("data", event.data())
        .add();
  }

  /** Stores values of time series. */
  public void insertMetrics(List<Rows.Metric> metrics) {
    PreparedBatch batch =
        later(
            "INSERT INTO metrics (job_id, name, time, attempt, step, value)"
                + " VALUES (:job, :name, :time, :attempt, :step, :value)");
    for (Rows.Metric metric : metrics) {
      batch
          .bind("job", metric.jobId())
          .bind("name", metric.name())
          .bind("time", metric.time())
          .bind("attempt", metric.attempt())
          .bind("step", metric.step())
          .bind("value", metric.value())
          .add();
    }
  }

  /** Stores lines of a log. */
  public void insertLogs(List<Rows.LogLine> lines) {
    PreparedBatch batch =
        later(
            "INSERT INTO logs (job_id, time, attempt, worker_id, line)"
                + " VALUES (:job, :time, :attempt, :worker, :line)");
    for (Rows.LogLine line : lines) {
      batch
          .bind("job", line.jobId())
          .bind("time", line.time())
          .bind("attempt", line.attempt())
          .bind("worker", line.workerId())
          .bind("line", line.line())
          .add();
    }
  }

  /** Stores a checkpoint; the same path again replaces the older one. */
  public void insert(Rows.Checkpoint checkpoint) {
    handle
        .createUpdate(
            "INSERT INTO checkpoints (job_id, path, attempt, step, bytes, seconds, time)"
                + " VALUES (:job, :path, :attempt, :step, :bytes, :seconds, :time)"
                + " ON CONFLICT (job_id, path) DO UPDATE SET attempt = excluded.attempt,"
                + " step = excluded.step, bytes = excluded.bytes, seconds = excluded.seconds,"
                + " time = excluded.time")
        .bind("job", checkpoint.jobId())
        .bind("path", checkpoint.path())
        .bind("attempt", checkpoint.attempt())
        .bind("step", checkpoint.step())
        .bind("bytes", checkpoint.bytes())
        .bind("seconds", checkpoint.seconds())
        .bind("time", checkpoint.time())
        .execute();
  }

  /** Stores the test images of a job's last evaluation in place of those of the one before. */
  public void replaceSamples(String jobId, List<Rows.Sample> samples) {
    handle.createUpdate("DELETE FROM samples WHERE job_id = :job").bind("job", jobId).execute();
    for (Rows.Sample sample : samples) {
      Rows.Opinion teacher = sample.teacher();
      handle
          .createUpdate(
              "INSERT INTO samples (job_id, place, step, label, student_label,"
                  + " student_probability, teacher_label, teacher_probability, image)"
                  + " VALUES (:job, :place, :step, :label, :studentLabel, :studentProbability,"
                  + " :teacherLabel, :teacherProbability, :image)")
          .bind("job", jobId)
          .bind("place", sample.place())
          .bind("step", sample.step())
          .bind("label", sample.label())
          .bind("studentLabel", sample.student().label())
          .bind("studentProbability", sample.student().probability())
          .bind("teacherLabel", teacher == null ? null : teacher.label())
          .bind("teacherProbability", teacher == null ? null : teacher.probability())
          .bind("image", Base64.getEncoder().encodeToString(sample.image()))
          .execute();
    }
  }

  /** Forgets a checkpoint that was removed. */
  public void deleteCheckpoint(String jobId, String path) {
    handle
        .createUpdate("DELETE FROM checkpoints WHERE job_id = :job AND path = :path")
        .bind("job", jobId)
        .bind("path", path)
        .execute();
  }

  /** Remembers the last report of a worker. */
  public void acknowledged(String workerId, long sequence) {
    later(
            "INSERT INTO reporters (worker_id, sequence) VALUES (:worker, :sequence)"
                + " ON CONFLICT (worker_id) DO UPDATE SET sequence = excluded.sequence")
        .bind("worker", workerId)
        .bind("sequence", sequence)
        .add();
  }

  /**
   * Forgets a job: from now on nobody finds it, and its idempotency key is free. What belongs to it
   * may be a lot, which {@link Housekeeping} removes piece by piece.
   */
  public void delete(String jobId) {
    handle
        .createUpdate("UPDATE jobs SET deleted = 1, idempotency_key = NULL WHERE id = :id")
        .bind("id", jobId)
        .execute();
  }
}
