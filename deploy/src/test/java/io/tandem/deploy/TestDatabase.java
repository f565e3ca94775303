package io.tandem.deploy;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.Map;

/** A real PostgreSQL with a database of Tandem's. Maven brings its binaries, for x86-64 alone. */
final class TestDatabase implements AutoCloseable {
  static final String PASSWORD = "s3cret-of-the-database";
  private final Path kept;
  private EmbeddedPostgres server;

  private TestDatabase(Path kept, EmbeddedPostgres server) {
    this.kept = kept;
    this.server = server;
  }

  /** Serves this host alone. */
  static TestDatabase start() throws IOException, SQLException {
    return prepared(null, EmbeddedPostgres.start());
  }

  /**
   * The same, and can be stopped and started again.
   *
   * @param data where its files go, and stay
   */
  static TestDatabase start(Path data) throws IOException, SQLException {
    return prepared(data, keeping(data).start());
  }

  private static EmbeddedPostgres.Builder keeping(Path data) {
    return EmbeddedPostgres.builder().setDataDirectory(data).setCleanDataDirectory(false);
  }

  /** Nobody listens at its port any more, and who was connected is so no longer. */
  void stop() throws IOException {
    server.close();
  }

  /** Ends {@link #stop}: at the same port, with all that was committed. */
  void startAgain() throws IOException {
    server = keeping(kept).setPort(server.getPort()).start();
  }

  /**
   * Serves a network too.
   *
   * @param data where its files go
   * @param address this host's in that network
   */
  static TestDatabase start(Path data, String address, String network)
      throws IOException, SQLException {
    TestDatabase database =
        prepared(
            data,
            EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setServerConfig("listen_addresses", "127.0.0.1," + address)
                .start());
    Files.writeString(
        data.resolve("pg_hba.conf"),
        "host tandem tandem " + network + " scram-sha-256\n",
        StandardOpenOption.APPEND);
    database.execute("SELECT pg_reload_conf()");
    return database;
  }

  private static TestDatabase prepared(Path data, EmbeddedPostgres server)
      throws IOException, SQLException {
    TestDatabase database = new TestDatabase(data, server);
    database.execute("CREATE ROLE tandem LOGIN PASSWORD '" + PASSWORD + "'");
    database.execute("CREATE DATABASE tandem OWNER tandem");
    database.askForThePassword();
    return database;
  }

  /** The server that the library starts lets everybody in. What stands first counts. */
  private void askForThePassword() throws IOException, SQLException {
    Path rules;
    try (var connection = server.getPostgresDatabase().getConnection();
        var statement = connection.createStatement();
        var row = statement.executeQuery("SHOW hba_file")) {
      row.next();
      rules = Path.of(row.getString(1));
    }
    String all = "host all tandem 127.0.0.1/32 scram-sha-256\n" + Files.readString(rules);
    Files.writeString(rules, all);
    execute("SELECT pg_reload_conf()");
  }

  private void execute(String sql) throws SQLException {
    try (var connection = server.getPostgresDatabase().getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** What a coordinator needs to use it. */
  Map<String, String> environment(String host) {
    return Map.of("TANDEM_DATABASE", url(host), DatabaseOptions.PASSWORD, PASSWORD);
  }

  /** Where the database is. */
  String url(String host) {
    return "jdbc:postgresql://%s:%d/tandem".formatted(host, server.getPort());
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
