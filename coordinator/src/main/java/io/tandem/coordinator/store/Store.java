package io.tandem.coordinator.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinator's memory: one SQLite file in a directory that one coordinator owns, or a
 * PostgreSQL database that several share. Anybody reads; who writes {@linkplain #lead leads}. What
 * is written when a call returns survives the loss of the process and of power. Calls block, a few
 * seconds at most; failures are thrown unchecked and leave nothing half done. Thread-safe.
 */
public final class Store implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Store.class);
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final String place;
  private final Dialect dialect;
  private final Pools.Pool pool;
  private final Access readers;
  private final Access leader;
  private final Lock writing = new ReentrantLock(true);

  /** Some connections, and whether they are of use: what befalls some does not stop the others. */
  private record Access(Jdbi jdbi, Availability availability) {
    static Access over(DataSource source, String place) {
      Jdbi jdbi = Jdbi.create(source).registerArgument(new PlainText());
      return new Access(jdbi, new Availability(place, System::nanoTime));
    }

    <T> T transact(TransactionIsolationLevel level, Function<Handle, T> work) {
      return availability.call(
          () ->
              level == TransactionIsolationLevel.UNKNOWN
                  ? jdbi.inTransaction(work::apply)
                  : jdbi.inTransaction(level, work::apply));
    }
  }

  private Store(String place, Dialect dialect, Pools.Pool pool) {
    this.place = place;
    this.dialect = dialect;
    this.pool = pool;
    this.readers = Access.over(pool.readers(), place);
    this.leader = Access.over(pool.leader(), place);
  }

  /**
   * Opens the store in that directory and creates what is missing.
   *
   * @throws StoreInUseException when another coordinator owns it
   * @throws IllegalStateException when it cannot be used; says why
   */
  public static Store open(Path directory) {
    try {
      Files.createDirectories(directory);
      Store store =
          new Store(directory.toString(), Dialect.SQLITE, Pools.sqlite(directory, "tandem.db"));
      try {
        store.migrate();
        return store;
      } catch (RuntimeException e) {
        store.close();
        throw e;
      }
    } catch (StoreInUseException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw unusable("the store in " + directory, e);
    }
  }

  private static IllegalStateException unusable(String which, Exception e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String why = cause instanceof IOException ? cause.toString() : cause.getMessage();
    return new IllegalStateException("%s cannot be used: %s".formatted(which, why), e);
  }

  /** A store that is {@linkplain #awaitOpen opened} later: until then it is unavailable. */
  public static Store of(Database database) {
    return new Store(database.name(), Dialect.POSTGRESQL, Pools.postgresql(database));
  }

  /**
   * Waits for the database, and creates what is missing.
   *
   * @throws StoreUnavailableException when it cannot be reached for that long
   * @throws IllegalStateException when it says no, for example to the password
   */
  public void awaitOpen(Duration patience) throws InterruptedException {
    long start = System.nanoTime();
    while (!leader.availability().isOpen()) {
      try {
        migrate();
      } catch (RuntimeException e) {
        Outages.Trouble trouble =
            Outages.trouble(e).orElseThrow(() -> unusable("the database " + place, e));
        readers.availability().away(trouble.reason(), e);
        StoreUnavailableException outage = leader.availability().away(trouble.reason(), e);
        long left = patience.toNanos() - (System.nanoTime() - start);
        if (left < 0) {
          throw outage;
        }
        LOG.warn("{}; trying for another {} s", outage.getMessage(), left / 1_000_000_000);
        Thread.sleep(RETRY.toMillis());
      }
    }
  }

  private void migrate() {
    Migrations.run(pool.migrations(), dialect);
    readers.availability().opened();
    leader.availability().opened();
  }

  Dialect dialect() {
    return dialect;
  }

  /** Whether several coordinators may use it. */
  public boolean isShared() {
    return dialect == Dialect.POSTGRESQL;
  }

  /** Where it is, for people; holds no secret. */
  public String place() {
    return place;
  }

  /**
   * Whether it answers.
   *
   * @throws StoreUnavailableException when it does not
   */
  public void check() {
    readAsLeader(StoreReader::ping);
  }

  /**
   * Takes the lead from whoever had it.
   *
   * @param holder names who takes it, one process's life long
   */
  public Leadership lead(String holder) {
    return transact(
        handle ->
            handle
                .createQuery(
                    "UPDATE leadership SET epoch = epoch + 1, holder = :holder,"
                        + " renewed_at = <now> WHERE only_row = 1 RETURNING epoch, renewed_at")
                .define("now", dialect.now())
                .bind("holder", holder)
                .map(
                    (row, context) ->
                        new Leadership(
                            this, holder, row.getLong("epoch"), row.getLong("renewed_at")))
                .one());
  }

  /** Another one that leads, and has shown within that time that it lives. */
  public Optional<String> otherLeader(String holder, Duration fresh) {
    return transact(
        handle ->
            handle
                .createQuery(
                    "SELECT holder FROM leadership WHERE holder <> :holder"
                        + " AND renewed_at > <now> - :fresh")
                .define("now", dialect.now())
                .bind("holder", holder)
                .bind("fresh", fresh.toMillis())
                .mapTo(String.class)
                .findOne());
  }

  /**
   * Takes a lease that nobody else holds, or takes it again.
   *
   * @param time after which it lapses, by the database's clock
   * @return whether it is held now
   */
  public boolean acquire(String lease, String holder, Duration time) {
    return transact(
        handle ->
            handle
                    .createUpdate(
                        "INSERT INTO leases (name, holder, expires_at)"
                            + " VALUES (:name, :holder, <now> + :time)"
                            + " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                            + " expires_at = excluded.expires_at"
                            + " WHERE leases.holder = excluded.holder"
                            + " OR leases.expires_at < <now>")
                    .define("now", dialect.now())
                    .bind("name", lease)
                    .bind("holder", holder)
                    .bind("time", time.toMillis())
                    .execute()
                == 1);
  }

  /** Gives a lease back, when that one holds it. */
  public void release(String lease, String holder) {
    transact(
        handle ->
            handle
                .createUpdate("DELETE FROM leases WHERE name = :name AND holder = :holder")
                .bind("name", lease)
                .bind("holder", holder)
                .execute());
  }

  /**
   * Reads a consistent state.
   *
   * @throws StoreUnavailableException when the database cannot be reached or is busy
   */
  public <T> T read(Function<StoreReader, T> work) {
    return readers.transact(dialect.reading(), handle -> work.apply(new StoreReader(handle)));
  }

  /** The same over the leader's connections. */
  <T> T readAsLeader(Function<StoreReader, T> work) {
    return leader.transact(dialect.reading(), handle -> work.apply(new StoreReader(handle)));
  }

  /**
   * Whether a write failed by what was to be written, which any store would refuse each time: not
   * because this one is away, full or broken.
   */
  public static boolean refuses(RuntimeException failure) {
    return Outages.isRefusal(failure);
  }

  /** One transaction of whatever kind. */
  <T> T transact(Function<Handle, T> work) {
    return inTurn(() -> leader.transact(TransactionIsolationLevel.UNKNOWN, work));
  }

  /** One transaction that can wait, over connections that are not the leader's. */
  <T> T tidy(Function<Handle, T> work) {
    return inTurn(() -> readers.transact(TransactionIsolationLevel.UNKNOWN, work));
  }

  /** SQLite lets one write at a time, and whose turn it is it leaves to chance. */
  private <T> T inTurn(Supplier<T> write) {
    if (isShared()) {
      return write.get();
    }
    writing.lock(); // no longer than one small transaction takes
    try {
      return write.get();
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
