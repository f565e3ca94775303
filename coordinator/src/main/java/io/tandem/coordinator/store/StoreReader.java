package io.tandem.coordinator.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/** The reads of one transaction. */
public final class StoreReader {
  /** Each reads no more than it tells: its index has its order. */
  static final String ALL_SERIES =
      "SELECT * FROM metrics WHERE job_id = :job AND time BETWEEN :from AND :to"
          + " ORDER BY time, name LIMIT :limit";

  static final String ONE_SERIES =
      "SELECT * FROM metrics WHERE job_id = :job AND name = :name AND time BETWEEN :from AND :to"
          + " ORDER BY time LIMIT :limit";

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
        .createQuery("SELECT * FROM jobs WHERE id = :id AND deleted = 0")
        .bind("id", jobId)
        .map((row, context) -> job(row))
        .findOne();
  }

  /** The job that was submitted with that idempotency key. */
  public Optional<StoredJob> jobByKey(String idempotencyKey) {
    return handle
        .createQuery("SELECT * FROM jobs WHERE idempotency_key = :key AND deleted = 0")
        .bind("key", idempotencyKey)
        .map((row, context) -> job(row))
        .findOne();
  }

  /** The jobs with these ids, where they are there, in any order. */
  public List<StoredJob> jobs(Collection<String> jobIds) {
    return Many.of(jobIds)
        .flatMap(
            some ->
                handle
                    .createQuery("SELECT * FROM jobs WHERE id IN (<ids>) AND deleted = 0")
                    .bindList("ids", some)
                    .map((row, context) -> job(row))
                    .list()
                    .stream())
        .toList();
  }

  /** By its id, where each of these jobs stands. */
  public Map<String, Rows.Placement> placements(Collection<StoredJob> jobs) {
    return PlacementReader.read(handle, jobs);
  }

  /** Every job that has not ended, or whose workers have not, in the order of submission. */
  public List<StoredJob> unfinished() {
    return handle
        .createQuery(
            "SELECT * FROM jobs WHERE (state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')"
                + " OR active <> '[]') AND deleted = 0 ORDER BY number")
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
    String those = state == null ? "" : "state = :state AND "; // so that its index is used
    Query query =
        handle.createQuery(
            "SELECT * FROM jobs WHERE "
                + those
                + "number < :before AND deleted = 0 ORDER BY number DESC LIMIT :limit");
    if (state != null) {
      query.bind("state", state);
    }
    return query.bind("before", before).bind("limit", limit).map((row, context) -> job(row)).list();
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

  /** The id of the event of a job after which only so many follow, 0 when there are no more. */
  public long eventBeforeLast(String jobId, int events) {
    return handle
        .createQuery(
            "SELECT id FROM events WHERE job_id = :job ORDER BY id DESC LIMIT 1 OFFSET :events")
        .bind("job", jobId)
        .bind("events", events)
        .mapTo(Long.class)
        .findOne()
        .orElse(0L);
  }

  /** Values of a job's time series, the oldest first; {@code name} may be null for all. */
  public List<Rows.Metric> metrics(String jobId, String name, long from, long to, int limit) {
    Query query = handle.createQuery(name == null ? ALL_SERIES : ONE_SERIES);
    if (name != null) {
      query.bind("name", name);
    }
    return query
        .bind("job", jobId)
        .bind("from", from)
        .bind("to", to)
        .bind("limit", limit)
        .map((row, context) -> metric(jobId, row))
        .list();
  }

  /**
   * A job's time series for drawing: the steps up to {@code last} are cut into so many parts, and
   * of each series and attempt the mean of each part is told, with its last step and time.
   */
  public List<Rows.Metric> thinned(String jobId, long last, int parts) {
    return handle
        .createQuery(
            "SELECT name, attempt, MAX(time) AS time, MAX(step) AS step, AVG(value) AS value"
                + " FROM metrics WHERE job_id = :job"
                + " GROUP BY name, attempt, CAST(step AS BIGINT) * :parts / :whole"
                + " ORDER BY name, attempt, step")
        .bind("job", jobId)
        .bind("parts", parts)
        .bind("whole", last + 1)
        .map((row, context) -> metric(jobId, row))
        .list();
  }

  /** The id of the newest event of any job, 0 before the first. */
  public long newestEvent() {
    return handle.createQuery("SELECT COALESCE(MAX(id), 0) FROM events").mapTo(Long.class).one();
  }

  /** The jobs of the events after that id, and those that are placed. */
  public List<StoredJob> lately(long after) {
    return handle
        .createQuery(
            "SELECT * FROM jobs WHERE (id IN (SELECT job_id FROM events WHERE id > :after)"
                + " OR state IN ('PLACING', 'RUNNING', 'RECOVERING', 'CANCELLING'))"
                + " AND deleted = 0 ORDER BY number DESC")
        .bind("after", after)
        .map((row, context) -> job(row))
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

  /** The test images of a job's last evaluation, in the order of their places. */
  public List<Rows.Sample> samples(String jobId) {
    return handle
        .createQuery("SELECT * FROM samples WHERE job_id = :job ORDER BY place")
        .bind("job", jobId)
        .map((row, context) -> sample(row))
        .list();
  }

  private static Rows.Sample sample(ResultSet row) throws SQLException {
    int label = row.getInt("teacher_label");
    boolean alone = row.wasNull();
    return new Rows.Sample(
        row.getInt("place"),
        row.getLong("step"),
        row.getInt("label"),
        new Rows.Opinion(row.getInt("student_label"), row.getDouble("student_probability")),
        alone ? null : new Rows.Opinion(label, row.getDouble("teacher_probability")),
        Base64.getDecoder().decode(row.getString("image")));
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
            row.getString("pool"),
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

  private static Rows.Metric metric(String jobId, ResultSet row) throws SQLException {
    return new Rows.Metric(
        jobId,
        row.getString("name"),
        row.getLong("time"),
        row.getInt("attempt"),
        row.getLong("step"),
        number(row, "value"));
  }

  /** SQLite has no NaN: it stores NULL. */
  private static double number(ResultSet row, String column) throws SQLException {
    double value = row.getDouble(column);
    return row.wasNull() ? Double.NaN : value;
  }
}
