package io.tandem.coordinator.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/** Connections with their limits: no wait is without an end. */
final class Pools {
  /**
   * Connections.
   *
   * @param migrations where Flyway works
   * @param lock given back last; null when there is none
   */
  record Pool(HikariDataSource source, FluentConfiguration migrations, StoreLock lock) {
    void close() {
      source.close();
      if (lock != null) {
        try {
          lock.close();
        } catch (IOException e) {
          throw new UncheckedIOException("store.lock cannot be released", e);
        }
      }
    }
  }

  private Pools() {}

  /** Takes the directory's lock. */
  static Pool sqlite(Path directory, String file) throws IOException {
    HikariConfig config = new HikariConfig();
    config.setPoolName("store");
    config.setJdbcUrl("jdbc:sqlite:" + directory.resolve(file).toAbsolutePath());
    config.setMaximumPoolSize(4);
    config.addDataSourceProperty("journal_mode", "WAL");
    config.addDataSourceProperty("synchronous", "FULL");
    config.addDataSourceProperty("foreign_keys", "true");
    config.addDataSourceProperty("busy_timeout", "10000");
    StoreLock lock = StoreLock.take(directory);
    try {
      HikariDataSource source = new HikariDataSource(config);
      return new Pool(source, Flyway.configure().dataSource(source), lock);
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /** Connects when it is first used. */
  static Pool postgresql(Database database) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("store");
    config.setJdbcUrl(database.url());
    config.setUsername(database.user());
    config.setPassword(database.password());
    config.setMaximumPoolSize(10);
    config.setConnectionTimeout(5_000);
    config.setValidationTimeout(2_000);
    config.setInitializationFailTimeout(-1);
    config.addDataSourceProperty("ApplicationName", "tandem");
    config.addDataSourceProperty("connectTimeout", "3");
    config.addDataSourceProperty("socketTimeout", "10");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    // A leader that stands still in the middle of a transaction must not hold up the next one.
    config.setConnectionInitSql(
        "SET statement_timeout = '8s'; SET idle_in_transaction_session_timeout = '4s'");
    FluentConfiguration migrations =
        Flyway.configure() // with connections of its own: a large table takes its time
            .dataSource(database.url(), database.user(), database.password())
            .jdbcProperties(Map.of("connectTimeout", "3", "ApplicationName", "tandem migration"));
    return new Pool(new HikariDataSource(config), migrations, null);
  }
}
