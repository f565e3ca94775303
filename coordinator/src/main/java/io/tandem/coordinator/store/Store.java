package io.tandem.coordinator.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.jdbi.v3.core.Jdbi;

/**
 * The coordinator's memory: one SQLite file in a directory that one coordinator owns. Thread-safe.
 * What {@link #write} has done when it returns survives the loss of the process and of power. Calls
 * block; failures of the disk are thrown unchecked and leave nothing half done.
 */
public final class Store implements AutoCloseable {
  private final StoreLock lock;
  private final HikariDataSource source;
  private final Jdbi jdbi;

  private Store(StoreLock lock, HikariDataSource source) {
    this.lock = lock;
    this.source = source;
    this.jdbi = Jdbi.create(source);
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
      StoreLock lock = StoreLock.take(directory);
      try {
        return new Store(lock, migrated(directory.resolve("tandem.db")));
      } catch (RuntimeException e) {
        lock.close();
        throw unusable(directory, e);
      }
    } catch (IOException e) {
      throw unusable(directory, e);
    }
  }

  private static IllegalStateException unusable(Path directory, Exception e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String why = cause instanceof IOException ? cause.toString() : cause.getMessage();
    return new IllegalStateException(
        "the store in %s cannot be used: %s".formatted(directory, why), e);
  }

  private static HikariDataSource migrated(Path file) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("store");
    config.setJdbcUrl("jdbc:sqlite:" + file.toAbsolutePath());
    config.setMaximumPoolSize(4);
    config.addDataSourceProperty("journal_mode", "WAL");
    config.addDataSourceProperty("synchronous", "FULL");
    config.addDataSourceProperty("foreign_keys", "true");
    config.addDataSourceProperty("busy_timeout", "10000");
    HikariDataSource source = new HikariDataSource(config);
    try {
      Flyway flyway =
          Flyway.configure()
              .dataSource(source)
              .locations("classpath:io/tandem/coordinator/store")
              .load();
      refuseNewer(flyway);
      flyway.migrate();
      return source;
    } catch (RuntimeException e) {
      source.close();
      throw e;
    }
  }

  /** Flyway would pass over what a later release has changed. */
  private static void refuseNewer(Flyway flyway) {
    for (MigrationInfo migration : flyway.info().applied()) {
      if (migration.getState() == MigrationState.FUTURE_SUCCESS
          || migration.getState() == MigrationState.FUTURE_FAILED) {
        throw new IllegalStateException(
            "it is of a later release (schema version %s): run that release, or give this one a directory of its own"
                .formatted(migration.getVersion()));
      }
    }
  }

  /** All that the writer does is done together or not at all. */
  public void write(Consumer<StoreWriter> work) {
    jdbi.useTransaction(handle -> work.accept(new StoreWriter(handle)));
  }

  /** Reads a consistent state. */
  public <T> T read(Function<StoreReader, T> work) {
    return jdbi.inTransaction(handle -> work.apply(new StoreReader(handle)));
  }

  @Override
  public void close() {
    source.close();
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException("store.lock cannot be released", e);
    }
  }
}
