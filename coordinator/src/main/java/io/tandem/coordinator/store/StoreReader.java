package io.tandem.coordinator.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The reads of one transaction. */
public final class StoreReader {
  private final Handle handle;

  StoreReader(Handle handle) {
    this.handle = handle;
  }

  /** Whether the database answers: always true, or it throws. */
  boolean ping() {
    return handle.createQuery("SELECT 1").mapTo(Integer.class).one() == 1;
  }

  /** The job with that id. */
  public Optional<StoredJob> job(String jobId) {
    return handle
        .createQuery("SELECT * FROM jobs WHERE id = :id")
        .bind("id", jobId)
        .map((row, context) -> job(row))
        .findOne();
  }

  /** The job that was submitted with that idempotency key. */
  public Optional<StoredJob> jobByKey(String idempotencyKey) {
    return handle
        .createQuery("SELECT * FROM jobs WHERE idempotency_key = :key")
        .bind("key", idempotencyKey)
        .map((row, context) -> job(row))
        .findOne();
  }

  /** The jobs with these ids, where they are there. */
  public List<StoredJob> jobs(Collection<String> jobIds) {
    return jobIds.stream().map(this::job).flatMap(Optional::stream).toList();
  }

  /** Every job that has not ended, or whose workers have not, in the order of submission. */
  public List<StoredJob> unfinished() {
    return handle
        .createQuery(
            "SELECT * FROM jobs WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')"
                + " OR active <> '[]' ORDER BY number")
        .map((row, context) -> job(row))
        .list();
  }

  /**
   * Jobs, the newest first.
   *
   * @param state only these, or null for all
   * @param before only jobs with a smaller number
   * @param limit at most so many
   */
  public List<StoredJob> jobs(String state, long before, int limit) {
    return handle
        .createQuery(
            "SELECT * FROM jobs WHERE (CAST(:state AS TEXT) IS NULL OR state = :state) AND number <"
                + " :before ORDER BY number DESC LIMIT :limit")
        .bind("state", state)
        .bind("before", before)
        .bind("limit", limit)
        .map((row, context) -> job(row))
        .list();
  }

  /** Events of a job after that id, the oldest first. */
  public List<Rows.Event> events(String jobId, long after, int limit) {
    return handle
        .createQuery(
            "SELECT * FROM events WHERE job_id = :job AND id > :after ORDER BY id LIMIT :limit")
        .bind("job", jobId)
        .bind("after", after)
        .bind("limit", limit)
        .map(
            (row, context) ->
                new Rows.Event(
                    row.getLong("id"),
                    row.getString("job_id"),
                    row.getLong("time"),
                    row.getInt("attempt"),
                    row.getString("type"),
                    row.getString("data")))
        .list();
  }

  /** Values of a job's time series, the oldest first; {@code name} may be null for all. */
  public List<Rows.Metric> metrics(String jobId, String name, long from, long to, int limit) {
    return handle
        .createQuery(
            "SELECT * FROM metrics WHERE job_id = :job AND (CAST(:name AS TEXT) IS NULL OR name ="
                + " :name) AND time BETWEEN :from AND :to ORDER BY time, name LIMIT :limit")
        .bind("job", jobId)
        .bind("name", name)
        .bind("from", from)
        .bind("to", to)
        .bind("limit", limit)
        .map(
            (row, context) ->
                new Rows.Metric(
                    row.getString("job_id"),
                    row.getString("name"),
                    row.getLong("time"),
                    row.getInt("attempt"),
                    row.getLong("step"),
                    number(row, "value")))
        .list();
  }

  /** Lines of a job's log after that id, the oldest first. */
  public List<Rows.LogLine> logs(String jobId, long after, int limit) {
    return handle
        .createQuery(
            "SELECT * FROM logs WHERE job_id = :job AND id > :after ORDER BY id LIMIT :limit")
        .bind("job", jobId)
        .bind("after", after)
        .bind("limit", limit)
        .map(
            (row, context) ->
                new Rows.LogLine(
                    row.getLong("id"),
                    row.getString("job_id"),
                    row.getLong("time"),
                    row.getInt("attempt"),
                    row.getString("worker_id"),
                    row.getString("line")))
        .list();
  }

  /** A job's checkpoints, the newest first. */
  public List<Rows.Checkpoint> checkpoints(String jobId) {
    return handle
        .createQuery(
            "SELECT * FROM checkpoints WHERE job_id = :job ORDER BY step DESC, attempt DESC")
        .bind("job", jobId)
        .map(
            (row, context) ->
                new Rows.Checkpoint(
                    row.getString("job_id"),
                    row.getString("path"),
                    row.getInt("attempt"),
                    row.getLong("step"),
                    row.getLong("bytes"),
                    row.getDouble("seconds"),
                    row.getLong("time")))
        .list();
  }

  /** Who hosted that attempt. */
  public Optional<Rows.Attempt> attempt(String jobId, int attempt) {
    return handle
        .createQuery("SELECT * FROM attempts WHERE job_id = :job AND attempt = :attempt")
        .bind("job", jobId)
        .bind("attempt", attempt)
        .map(
            (row, context) ->
                new Rows.Attempt(
                    row.getString("job_id"),
                    row.getInt("attempt"),
                    Json.strings(row.getString("worker_by_rank")),
                    row.getLong("started_at")))
        .findOne();
  }

  /** The sequence of the last stored report of that worker, 0 when there is none. */
  public long acknowledged(String workerId) {
    return handle
        .createQuery("SELECT sequence FROM reporters WHERE worker_id = :worker")
        .bind("worker", workerId)
        .mapTo(Long.class)
        .findOne()
        .orElse(0L);
  }

  private static StoredJob job(ResultSet row) throws SQLException {
    return new StoredJob(
        new StoredJob.Header(
            row.getLong("number"),
            row.getString("id"),
            row.getString("name"),
            row.getString("spec"),
            row.getInt("replicas"),
            row.getInt("shards"),
            row.getString("idempotency_key"),
            row.getString("submitted"),
            row.getLong("created_at")),
        new StoredJob.Status(
            row.getString("state"),
            row.getString("reason"),
            row.getString("reason_text"),
            row.getInt("pausing") != 0,
            row.getInt("attempt"),
            row.getInt("restarts"),
            row.getInt("maximum_restarts"),
            new LinkedHashSet<>(Json.strings(row.getString("waiting"))),
            new LinkedHashSet<>(Json.strings(row.getString("active"))),
            row.getString("model_path"),
            row.getLong("started_at"),
            row.getLong("ended_at")),
        new StoredJob.Progress(
            row.getLong("step"),
            row.getLong("total_steps"),
            row.getString("phase"),
            row.getDouble("steps_per_second"),
            row.getDouble("images_per_second"),
            Json.numbers(row.getString("value_map")),
            Json.numbers(row.getString("phase_seconds")),
            row.getLong("reported_at")),
        effort(row));
  }

  /** Jobs that an older release stored have none yet: theirs begins where they stand. */
  private static Effort effort(ResultSet row) throws SQLException {
    Effort effort = Json.effort(row.getString("effort"));
    return effort.since() == 0
        ? Effort.none(Math.max(row.getLong("created_at"), row.getLong("started_at")))
        : effort;
  }

  /** SQLite has no NaN: it stores NULL. */
  private static double number(ResultSet row, String column) throws SQLException {
    double value = row.getDouble(column);
    return row.wasNull() ? Double.NaN : value;
  }
}
