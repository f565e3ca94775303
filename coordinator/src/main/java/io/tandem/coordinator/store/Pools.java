package io.tandem.coordinator.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/** Connections with their limits: no wait is without an end. */
final class Pools {
  /** What anybody waits for a connection. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /**
   * Connections.
   *
   * @param readers for all who look
   * @param leader for who leads, or wants to: however many look, they are free
   * @param migrations where Flyway works
   * @param lock given back last; null when there is none
   */
  record Pool(
      HikariDataSource readers,
      HikariDataSource leader,
      FluentConfiguration migrations,
      StoreLock lock) {
    void close() {
      readers.close();
      leader.close();
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
    StoreLock lock = StoreLock.take(directory);
    HikariDataSource leader = null;
    try {
      String url = "jdbc:sqlite:" + directory.resolve(file).toAbsolutePath();
      leader = new HikariDataSource(sqlite("leader", url, 2));
      HikariDataSource readers = new HikariDataSource(sqlite("readers", url, 4));
      return new Pool(readers, leader, Flyway.configure().dataSource(leader), lock);
    } catch (RuntimeException e) {
      if (leader != null) {
        leader.close();
      }
      lock.close();
      throw e;
    }
  }

  private static HikariConfig sqlite(String name, String url, int connections) {
    HikariConfig config = config(name, url, connections);
    config.addDataSourceProperty("journal_mode", "WAL");
    config.addDataSourceProperty("synchronous", "FULL");
    config.addDataSourceProperty("foreign_keys", "true");
    config.addDataSourceProperty("busy_timeout", "10000");
    return config;
  }

  private static HikariConfig config(String name, String url, int connections) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("store-" + name);
    config.setJdbcUrl(url);
    config.setMaximumPoolSize(connections);
    config.setConnectionTimeout(PATIENCE.toMillis());
    return config;
  }

  /** Connects when it is first used. */
  static Pool postgresql(Database database) {
    FluentConfiguration migrations =
        Flyway.configure() // with connections of its own: a large table takes its time
            .dataSource(database.url(), database.user(), database.password())
            .jdbcProperties(Map.of("connectTimeout", "3", "ApplicationName", "tandem migration"));
    return new Pool(
        new HikariDataSource(postgresql("readers", database, 8)),
        new HikariDataSource(postgresql("leader", database, 4)),
        migrations,
        null);
  }

  private static HikariConfig postgresql(String name, Database database, int connections) {
    HikariConfig config = config(name, database.url(), connections);
    config.setUsername(database.user());
    config.setPassword(database.password());
    config.setValidationTimeout(2_000);
    config.setInitializationFailTimeout(-1);
    config.addDataSourceProperty("ApplicationName", "tandem " + name);
    config.addDataSourceProperty("connectTimeout", "3");
    config.addDataSourceProperty("socketTimeout", "10");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    // A leader that stands still in the middle of a transaction must not hold up the next one.
    config.setConnectionInitSql(
        "SET statement_timeout = '8s'; SET idle_in_transaction_session_timeout = '4s'");
    return config;
  }
}
