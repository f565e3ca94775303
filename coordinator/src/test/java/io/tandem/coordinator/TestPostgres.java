package io.tandem.coordinator;

import io.tandem.coordinator.store.Database;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assumptions;

/**
 * One real PostgreSQL for all tests of this JVM; it ends with it. Maven brings its binaries, for
 * x86-64 alone.
 */
public final class TestPostgres {
  private static final AtomicInteger MADE = new AtomicInteger();
  private static EmbeddedPostgres server;

  private TestPostgres() {}

  private static synchronized EmbeddedPostgres server() {
    String machine = System.getProperty("os.arch");
    Assumptions.assumeTrue(
        List.of("amd64", "x86_64").contains(machine),
        () -> "skipped: there is no PostgreSQL for " + machine + " among the tests' libraries");
    if (server == null) {
      try {
        server = EmbeddedPostgres.start();
      } catch (IOException e) {
        throw new UncheckedIOException("PostgreSQL does not start", e);
      }
    }
    return server;
  }

  /** Its TCP port. */
  public static int port() {
    return server().getPort();
  }

  /** A new and empty database. */
  public static Database fresh() {
    String name = "tandem" + MADE.incrementAndGet();
    try (Connection connection = server().getPostgresDatabase().getConnection();
        var statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("no database can be made", e);
    }
    return new Database(
        "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port(), name), "postgres", "postgres");
  }

  /** The same database over a cable to {@link #port}. */
  public static Database through(Cable cable, Database direct) {
    String url = direct.url().replace(":" + port() + "/", ":" + cable.port() + "/");
    return new Database(url, direct.user(), direct.password());
  }
}
