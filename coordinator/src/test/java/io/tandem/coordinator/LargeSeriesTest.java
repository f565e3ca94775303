package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.store.Database;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job that has reported for days, on either database: who reads or deletes it stops nobody. */
class LargeSeriesTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MANY = 300_000;

  @TempDir Path directory;
  private final HttpClient client = HttpClient.newHttpClient();
  private int port;

  private HttpResponse<String> call(String method, String path, String body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .timeout(Duration.ofSeconds(30))
            .header("Idempotency-Key", "key")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode json(String path) throws Exception {
    HttpResponse<String> answer = call("GET", path, "");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private static long number(Connection database, String query) throws SQLException {
    try (Statement statement = database.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getLong(1);
    }
  }

  @Test
  void shouldReadAndDeleteInAFile() throws Exception {
    try (CoordinatorServer server =
            CoordinatorServer.start(
                CoordinatorSettings.embedded(directory), RunningCoordinator.QUICK);
        Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("tandem.db"))) {
      port = server.restPort();
      readAndDelete(database);
    }
  }

  /** There removing values takes longer than any statement may. */
  @Test
  void shouldReadAndDeleteInASharedDatabase() throws Exception {
    Database shared = TestPostgres.fresh();
    try (CoordinatorServer server =
            CoordinatorServer.start(
                CoordinatorSettings.embedded(directory)
                    .sharing(shared, Duration.ofSeconds(20), new Formation.Alone()),
                RunningCoordinator.QUICK);
        Connection database =
            DriverManager.getConnection(shared.url(), shared.user(), shared.password());
        Statement statement = database.createStatement()) {
      port = server.restPort();
      statement.execute(
          "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
              + " 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END'");
      statement.execute("CREATE TRIGGER slow BEFORE DELETE ON metrics EXECUTE FUNCTION slowly()");
      readAndDelete(database);
    }
  }

  private void readAndDelete(Connection database) throws Exception {
    HttpResponse<String> submitted = call("POST", "/v1/jobs", TestJobs.yaml(1, 1));
    assertThat(submitted.statusCode()).as(submitted.body()).isEqualTo(201);
    String path = "/v1/jobs/" + JSON.readTree(submitted.body()).get("id").asText();
    assertThat(call("POST", path + "/cancel", "").body()).contains("CANCELLED");
    long epoch = number(database, "SELECT epoch FROM leadership");
    try (Statement statement = database.createStatement()) {
      statement.execute(
          "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < "
              + MANY
              + ") INSERT INTO metrics SELECT jobs.id, 'loss', n, 1, n, n FROM numbers, jobs");
      statement.execute("UPDATE jobs SET step = " + MANY);
    }
    JsonNode curves = json(path + "/curves").get("curves").get("loss");
    assertThat(curves.get("step")).hasSizeBetween(399, 401);
    assertThat(json(path + "/metrics?limit=1000").get("metrics")).hasSize(1000);
    HttpResponse<String> deleted = call("DELETE", path, "");
    assertThat(deleted.statusCode()).as(deleted.body()).isEqualTo(204);
    assertThat(call("GET", path, "").statusCode()).isEqualTo(404);
    assertThat(json("/v1/jobs").get("jobs")).isEmpty();
    assertThat(call("POST", "/v1/jobs", TestJobs.yaml(1, 2)).statusCode())
        .as("its key is free")
        .isEqualTo(201);
    assertThat(number(database, "SELECT epoch FROM leadership")).isEqualTo(epoch);
  }
}
