package io.tandem.deploy.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;

/**
 * The coordinator's REST interface. Answers are the REST objects as they come. Every call throws
 * {@link ClientException}. Thread-safe.
 */
public final class TandemClient {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int PAGE = 1000;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final HttpClient http;
  private final URI server;
  private final String token;

  /**
   * @param server for example {@code http://127.0.0.1:8080}
   * @param token bearer token, or empty
   */
  public TandemClient(URI server, String token) {
    this(
        server,
        token,
        "https".equals(server.getScheme())
            ? HttpClient.newBuilder().sslContext(Trust.standard())
            : HttpClient.newBuilder());
  }

  /**
   * The same over TLS with an authority of one's own.
   *
   * @param authority PEM certificates that are trusted, and no others
   * @throws IllegalArgumentException where the file holds none
   */
  public TandemClient(URI server, String token, Path authority) {
    this(server, token, HttpClient.newBuilder().sslContext(Trust.of(authority)));
  }

  private TandemClient(URI server, String token, HttpClient.Builder http) {
    this.server = server;
    this.token = token;
    this.http = http.connectTimeout(Duration.ofSeconds(5)).build();
  }

  /** Where it calls. */
  public URI server() {
    return server;
  }

  /**
   * Submits a job.
   *
   * @param job YAML or JSON
   * @param idempotencyKey a repeated call with it submits nothing anew; null for none
   */
  public JsonNode submit(byte[] job, String idempotencyKey) {
    boolean json = job.length > 0 && job[0] == '{';
    HttpRequest.Builder request =
        request("/v1/jobs")
            .header("Content-Type", json ? "application/json" : "application/yaml")
            .POST(BodyPublishers.ofByteArray(job));
    if (idempotencyKey != null) {
      request.header("Idempotency-Key", idempotencyKey);
    }
    return json(request);
  }

  /** One job. */
  public JsonNode job(String id) {
    return json(request("/v1/jobs/" + encode(id)).GET());
  }

  /** A page of jobs; {@code state} and {@code cursor} may be null. */
  public JsonNode jobs(String state, int limit, String cursor) {
    String query = "?limit=" + limit;
    query += state == null ? "" : "&state=" + encode(state);
    query += cursor == null ? "" : "&cursor=" + encode(cursor);
    return json(request("/v1/jobs" + query).GET());
  }

  /** The registered workers. */
  public JsonNode workers() {
    return json(request("/v1/workers").GET());
  }

  /** What happened to a job so far. */
  public JsonNode events(String id) {
    return all(id, "events", 0);
  }

  /** What happened to a job after the event of that id. */
  public JsonNode events(String id, long after) {
    return all(id, "events", after);
  }

  /** What a job's workers logged so far. */
  public JsonNode logs(String id) {
    return all(id, "logs", 0);
  }

  /** All pages of a list whose elements have rising ids. */
  private JsonNode all(String id, String list, long first) {
    ObjectNode whole = MAPPER.createObjectNode();
    ArrayNode elements = whole.putArray(list);
    JsonNode page;
    do {
      long after =
          elements.isEmpty() ? first : elements.get(elements.size() - 1).path("id").asLong();
      String path = "/v1/jobs/%s/%s?limit=%d&after=%d".formatted(encode(id), list, PAGE, after);
      page = json(request(path).header("Accept", "application/json").GET()).path(list);
      page.forEach(elements::add);
    } while (page.size() == PAGE);
    return whole;
  }

  /** The committed checkpoints. */
  public JsonNode checkpoints(String id) {
    return json(request("/v1/jobs/" + encode(id) + "/checkpoints").GET());
  }

  /** The time series of all of a job's values. */
  public JsonNode series(String id) {
    return json(request("/v1/jobs/" + encode(id) + "/metrics").GET());
  }

  /** {@code cancel}, {@code pause} or {@code resume}. */
  public JsonNode act(String id, String verb) {
    return json(request("/v1/jobs/" + encode(id) + "/" + verb).POST(BodyPublishers.noBody()));
  }

  /** Goes on with a paused job on another mesh. */
  public JsonNode resume(String id, int replicas, int shards) {
    String body = "{\"mesh\":{\"replicas\":%d,\"shards\":%d}}".formatted(replicas, shards);
    return json(
        request("/v1/jobs/" + encode(id) + "/resume")
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body)));
  }

  /** Forgets a job that has ended. */
  public void delete(String id) {
    HttpResponse<String> response =
        send(request("/v1/jobs/" + encode(id)).DELETE(), BodyHandlers.ofString());
    if (response.statusCode() >= 400) {
      throw problem(response.statusCode(), response.body());
    }
  }

  /** Writes the exported student; what was there is replaced when the whole file has come. */
  public void model(String id, Path target) {
    Path part = target.resolveSibling(target.getFileName() + ".part");
    HttpResponse<java.io.InputStream> response =
        send(request("/v1/jobs/" + encode(id) + "/model").GET(), BodyHandlers.ofInputStream());
    try (java.io.InputStream body = response.body()) {
      if (response.statusCode() >= 400) {
        String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        throw problem(response.statusCode(), text);
      }
      try {
        Files.copy(body, part, StandardCopyOption.REPLACE_EXISTING);
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new ClientException(500, "cannot write " + target + ": " + e);
    }
  }

  /** The coordinator's metrics as Prometheus reads them. */
  public String metrics() {
    HttpResponse<String> response = send(request("/metrics").GET(), BodyHandlers.ofString());
    if (response.statusCode() >= 400) {
      throw problem(response.statusCode(), response.body());
    }
    return response.body();
  }

  private HttpRequest.Builder request(String path) {
    return authorized(HttpRequest.newBuilder(server.resolve(path)).timeout(TIMEOUT));
  }

  private HttpRequest.Builder authorized(HttpRequest.Builder request) {
    return token.isEmpty() ? request : request.header("Authorization", "Bearer " + token);
  }

  private JsonNode json(HttpRequest.Builder request) {
    HttpResponse<String> response = send(request, BodyHandlers.ofString());
    if (response.statusCode() >= 400) {
      ClientException problem = problem(response.statusCode(), response.body());
      throw new ClientException(problem.status(), problem.getMessage(), true, retryAfter(response));
    }
    return parse(response.body());
  }

  /** Dates are not read: no coordinator sends one. */
  private static Duration retryAfter(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("Retry-After")
        .filter(seconds -> seconds.matches("\\d{1,4}"))
        .map(seconds -> Duration.ofSeconds(Integer.parseInt(seconds)))
        .orElse(Duration.ZERO);
  }

  private <T> HttpResponse<T> send(
      HttpRequest.Builder request, HttpResponse.BodyHandler<T> handler) {
    try {
      return http.send(request.build(), handler);
    } catch (IOException e) {
      Trust.refusal(e)
          .ifPresent(
              why -> {
                throw new ClientException(
                    0, "the coordinator at %s is not believed: %s".formatted(server, why));
              });
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new ClientException(
          0,
          "cannot reach the coordinator at %s (%s); is it running? Set --server or TANDEM_SERVER"
              .formatted(server, why),
          !(e instanceof ConnectException || e instanceof HttpConnectTimeoutException),
          Duration.ZERO);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClientException(0, "interrupted");
    }
  }

  private ClientException problem(int status, String body) {
    StringBuilder text = new StringBuilder();
    try {
      JsonNode problem = MAPPER.readTree(body);
      // The detail of an answer with errors says the same as these.
      String title = problem.path("title").asText("");
      String said = problem.has("errors") ? title : problem.path("detail").asText(title);
      text.append(said.isEmpty() ? "status " + status : said);
      for (JsonNode mistake : problem.path("errors")) {
        text.append("\n  ")
            .append(
                mistake.path("path").asText("").isEmpty()
                    ? "the body"
                    : mistake.path("path").asText())
            .append(": given ")
            .append(mistake.path("given").asText())
            .append("; allowed: ")
            .append(mistake.path("allowed").asText());
      }
    } catch (JsonProcessingException e) {
      text.append("status ").append(status).append(": ").append(body.strip());
    }
    return new ClientException(status, text.toString());
  }

  private static JsonNode parse(String body) {
    try {
      return MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      throw new ClientException(502, "the answer is no JSON: " + body.strip());
    }
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
