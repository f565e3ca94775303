package io.tandem.coordinator.store;

import java.util.Map;
import java.util.Optional;

/**
 * Keeps long series bounded. Of one with more than {@value #MOST} values only the first value of
 * every 2^k steps stays, k such that the job's steps so far are {@value #KEPT} or fewer such parts;
 * what comes later stays whole until there are as many again. The parts of a larger k are made of
 * whole ones of a smaller, so that a series is as dense at its beginning as at its end. Attempts
 * are thinned apart. Each transaction looks at some 10,000 rows. Owned by one thread.
 */
final class SeriesThinner {
  static final int MOST = 10_000;
  static final int KEPT = 5_000;
  private static final int CHUNK = 10_000;

  private final Store store;
  private final String delete;

  SeriesThinner(Store store) {
    this.store = store;
    Dialect dialect = store.dialect();
    this.delete =
        "DELETE FROM metrics WHERE "
            + dialect.among(
                "SELECT place FROM (SELECT %s AS place, ROW_NUMBER() OVER".formatted(dialect.row())
                    + " (PARTITION BY attempt, step / :width ORDER BY time) AS nth FROM metrics"
                    + " WHERE job_id = :job AND name = :name AND time >= :from AND time < :to)"
                    + " AS parts WHERE nth > 1");
  }

  /**
   * Thins that job's long series.
   *
   * @param steps that it has done
   */
  void thin(String job, long steps) {
    String any = "SELECT 1 FROM metrics WHERE job_id = :job LIMIT 1 OFFSET :most";
    if (one(Integer.class, any, Map.of("job", job, "most", MOST)).isEmpty()) {
      return;
    }
    Optional<String> name = nameAfter("", job);
    while (name.isPresent()) {
      thin(job, name.get(), width(steps));
      name = nameAfter(name.get(), job);
    }
  }

  /** One look into the index a name, however many values each has. */
  private Optional<String> nameAfter(String name, String job) {
    return one(
        String.class,
        "SELECT name FROM metrics WHERE job_id = :job AND name > :after ORDER BY name LIMIT 1",
        Map.of("job", job, "after", name));
  }

  private void thin(String job, String name, long width) {
    if (timeOf(MOST, job, name, 0).isEmpty()) {
      return;
    }
    Optional<Long> next = Optional.of(0L);
    while (next.isPresent()) {
      long from = next.get();
      next = timeOf(CHUNK, job, name, from).map(time -> Math.max(time, from + 1));
      long to = next.orElse(Long.MAX_VALUE);
      store.tidy(
          handle ->
              handle
                  .createUpdate(delete)
                  .bind("job", job)
                  .bind("name", name)
                  .bind("width", width)
                  .bind("from", from)
                  .bind("to", to)
                  .execute());
    }
  }

  /** So many steps make a part. */
  static long width(long steps) {
    long width = 1;
    while (width * KEPT < steps) {
      width *= 2;
    }
    return width;
  }

  /** The time of the value that so many come before, from that time on. */
  private Optional<Long> timeOf(int before, String job, String name, long from) {
    return one(
        Long.class,
        "SELECT time FROM metrics WHERE job_id = :job AND name = :name AND time >= :from"
            + " ORDER BY time LIMIT 1 OFFSET :before",
        Map.of("job", job, "name", name, "from", from, "before", before));
  }

  private <T> Optional<T> one(Class<T> type, String sql, Map<String, ?> values) {
    return store.tidy(handle -> handle.createQuery(sql).bindMap(values).mapTo(type).findOne());
  }
}
