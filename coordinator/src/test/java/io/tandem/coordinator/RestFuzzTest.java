package io.tandem.coordinator;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.BareHttp.Answer;
import io.tandem.coordinator.BareHttp.Request;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import io.tandem.protocol.fuzz.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.api.Test;

/** Whatever is asked of REST, over a bare socket, it answers, soon, and never that it failed. */
class RestFuzzTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TOKEN = "open-sesame";
  private static final List<String> METHODS =
      List.of("GET", "GET", "GET", "POST", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH");
  private static final String[] ODD = {
    "%00",
    "%ff",
    "%zz",
    "%",
    "%2e%2e",
    "..",
    "//",
    "%2F",
    "{id}",
    "'",
    "\"",
    "<script>",
    "\\",
    ";",
    "&",
    "=",
    "?",
    "#",
    "\u00e9",
    "\uD83D\uDE00",
    "%ed%a0%80",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "1e9",
    "NaN",
    "\u0000",
    "' OR 1=1 --",
    "x".repeat(300)
  };

  private static final Hostile PATHS =
      Hostile.of(
          List.of(
              "/v1/jobs",
              "/v1/jobs/JOB",
              "/v1/jobs/JOB/events",
              "/v1/jobs/JOB/metrics",
              "/v1/jobs/JOB/logs",
              "/v1/jobs/JOB/checkpoints",
              "/v1/jobs/JOB/model",
              "/v1/jobs/JOB/pause",
              "/v1/jobs/JOB/resume",
              "/v1/workers",
              "/health/ready",
              "/metrics",
              "/openapi.yaml"),
          ODD);
  private static final Hostile QUERIES =
      Hostile.of(
          List.of(
              "limit=10&cursor=5&state=queued",
              "after=1&progress=true&limit=100",
              "from=0&to=100&name=loss&limit=1000"),
          ODD);
  private static final Hostile HEADERS =
      Hostile.of(List.of("key-1", "17", "text/event-stream", "application/json; q=0.1"), ODD);
  private static final Hostile AUTHORIZATIONS =
      Hostile.of(List.of("Bearer open-sesam", "Basic b3BlbjpzZXNhbWU=", "bearer"), ODD);
  private static final Hostile BODIES =
      Hostile.of(
          List.of(
              TestJobs.yaml(1, 1),
              TestJobs.yaml(1, 1),
              "{\"mesh\": {\"replicas\": 2, \"shards\": 1}}",
              "{\"name\": \"a\", \"data\": {\"path\": \"/x\"}}"),
          "\uD83D\uDE00".repeat(100),
          "\\ud800",
          "\\u0000",
          "{",
          "[",
          "null",
          "${",
          "&a",
          "1e999",
          "99999999999999999999");

  private static Path directory;
  private static CoordinatorServer server;
  private static String job;

  @BeforeContainer
  static void start() throws IOException {
    directory = Scratch.directory();
    var settings = new CoordinatorSettings(directory, "127.0.0.1", 0, "127.0.0.1", 0, TOKEN);
    server = CoordinatorServer.start(settings, RunningCoordinator.QUICK);
    Answer submitted = ask(plain("POST", "/v1/jobs", TestJobs.yaml(1, 1)));
    assertThat(submitted.status()).as(submitted.body()).isEqualTo(201);
    job = JSON.readTree(submitted.body()).get("id").asText();
  }

  @AfterContainer
  static void stop() throws IOException {
    assertThat(ask(plain("GET", "/health/ready", "")).status()).isEqualTo(200);
    server.close();
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static Request plain(String method, String target, String body) {
    return Request.plain(method, target, "Bearer " + TOKEN, body);
  }

  /** Health is open to all, and so are the web page's files, which hold nothing of anybody's. */
  private static boolean isAllowed(Request request) {
    String path = new String(request.target(), UTF_8);
    return new String(request.authorization(), UTF_8).contains(TOKEN)
        || path.startsWith("/health/")
        || !path.matches("/(v1|metrics|openapi)\\b.*");
  }

  @Provide
  Arbitrary<Request> requests() {
    return Arbitraries.randomValue(RestFuzzTest::request);
  }

  private static Request request(Random random) {
    byte[] path =
        random.nextInt(3) == 0
            ? PATHS.next(random)
            : PATHS.samples().get(random.nextInt(PATHS.samples().size()));
    String target = line(path).replace("JOB", job);
    if (random.nextInt(3) == 0) {
      target += "?" + line(QUERIES.next(random));
    }
    byte[] authorization =
        random.nextInt(6) == 0
            ? header(AUTHORIZATIONS.next(random))
            : ("Bearer " + TOKEN).getBytes(UTF_8);
    List<byte[]> headers =
        List.of("Idempotency-Key", "Last-Event-ID", "Accept", "Content-Type").stream()
            .filter(name -> random.nextInt(3) == 0)
            .map(name -> joined(name + ": ", header(HEADERS.next(random))))
            .toList();
    String method = METHODS.get(random.nextInt(METHODS.size()));
    byte[] body = random.nextInt(3) == 0 ? new byte[0] : BODIES.next(random);
    byte[] encoded = target.replace(' ', '+').getBytes(ISO_8859_1);
    return new Request(method, encoded, authorization, headers, body);
  }

  /** One line, byte by byte, so that the request ends where it should. */
  private static String line(byte[] bytes) {
    String text = new String(bytes, ISO_8859_1).replaceAll("[\r\n\t]", " ");
    return text.substring(0, Math.min(1000, text.length()));
  }

  /**
   * UTF-8: Akka HTTP takes the line's end for a part of a character that is cut off before it, and
   * then waits for the header's end until the connection's time is over.
   */
  private static byte[] header(byte[] bytes) {
    return new String(line(bytes).getBytes(ISO_8859_1), UTF_8).getBytes(UTF_8);
  }

  private static byte[] joined(String name, byte[] value) {
    byte[] all = Arrays.copyOf(name.getBytes(UTF_8), name.length() + value.length);
    System.arraycopy(value, 0, all, name.length(), value.length);
    return all;
  }

  @Fuzz
  void shouldAnswerWhateverIsAsked(@ForAll("requests") Request request) throws IOException {
    Answer answer = ask(request);
    assertThat(answer.status()).as(answer.toString()).isBetween(200, 499);
    if (!isAllowed(request)) {
      assertThat(answer.status()).as("let in: " + answer).isGreaterThanOrEqualTo(400);
    }
    if (answer.status() >= 400 && !request.method().equals("HEAD")) {
      answer.assertExplained();
    }
    if (answer.status() == 201) {
      remove(JSON.readTree(answer.body()).get("id").asText());
    }
  }

  /** Also where what is told of a mistake would be cut within a character. */
  @Test
  void shouldAnswerOddQueries() throws IOException {
    List<String> queries =
        List.of(
            "limit=a=b",
            "a&&b",
            "limit=%ff",
            "%ff=1",
            "cursor=%00",
            "=",
            "limit==",
            "state=%ED%A0%80");
    start();
    try {
      for (String query : queries) {
        Answer answer = ask(plain("GET", "/v1/jobs?" + query, ""));
        assertThat(answer.status()).as(query + answer).isIn(200, 400);
      }
      String smileys = "\uD83D\uDE00".repeat(100);
      Answer refused =
          ask(plain("POST", "/v1/jobs", "name: x" + smileys + "\nx" + smileys + ": 1"));
      assertThat(refused.status()).as(refused.toString()).isEqualTo(400);
      refused.assertExplained();
    } finally {
      stop();
    }
  }

  /** So that the next inputs are not asked of thousands of jobs. */
  private static void remove(String id) throws IOException {
    assertThat(ask(plain("POST", "/v1/jobs/" + id + "/cancel", "")).status()).isEqualTo(200);
    assertThat(ask(plain("DELETE", "/v1/jobs/" + id, "")).status()).isEqualTo(204);
  }

  private static Answer ask(Request request) throws IOException {
    return request.ask(server.restPort());
  }
}
