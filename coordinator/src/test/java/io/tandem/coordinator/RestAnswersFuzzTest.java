package io.tandem.coordinator;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.BareHttp.Answer;
import io.tandem.coordinator.BareHttp.Request;
import io.tandem.coordinator.jobs.JobState;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Scratch;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.api.Test;

/** Right requests with one thing wrong, or at its limit: each is answered as it is documented. */
class RestAnswersFuzzTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TOKEN = "open-sesame";
  private static final int LARGEST_BODY = 1 << 20;
  private static final String NUL = "%00";

  /** A parameter that is a number within limits. */
  private record Number(String target, long smallest, long largest) {}

  private static final List<Number> NUMBERS =
      List.of(
          new Number("/v1/jobs?limit=", 1, 1000),
          new Number("/v1/jobs?cursor=", 1, Long.MAX_VALUE),
          new Number("/v1/jobs/JOB/events?after=", 0, Long.MAX_VALUE),
          new Number("/v1/jobs/JOB/events?limit=", 1, 1000),
          new Number("/v1/jobs/JOB/events?last=", 1, 1000),
          new Number("/v1/jobs/JOB/logs?limit=", 1, 10_000),
          new Number("/v1/jobs/JOB/logs?after=", 0, Long.MAX_VALUE),
          new Number("/v1/jobs/JOB/metrics?limit=", 1000, 100_000),
          new Number("/v1/jobs/JOB/metrics?from=", 0, Long.MAX_VALUE),
          new Number("/v1/jobs/JOB/metrics?to=", 0, Long.MAX_VALUE),
          new Number("/v1/jobs/JOB/curves?points=", 1, 1000));
  private static final List<String> WORDS =
      List.of("x", "1e3", "0x1", "1.0", "--1", "1_0", "NaN", "%20", "1%20", NUL, "null", "true");

  private static Path directory;
  private static CoordinatorServer server;
  private static String job;

  @BeforeContainer
  static void start() throws IOException {
    directory = Scratch.directory();
    var settings = new CoordinatorSettings(directory, "127.0.0.1", 0, "127.0.0.1", 0, TOKEN);
    server = CoordinatorServer.start(settings, RunningCoordinator.QUICK);
    job = id(ask("POST", "/v1/jobs", TestJobs.yaml(1, 1)));
  }

  @AfterContainer
  static void stop() throws IOException {
    server.close();
    try (var files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private static Answer ask(String method, String target, String body) throws IOException {
    return request(method, target, body).ask(server.restPort());
  }

  private static Request request(String method, String target, String body) {
    return Request.plain(method, target, "Bearer " + TOKEN, body);
  }

  private static String id(Answer answer) throws IOException {
    assertThat(answer.status()).as(answer.body()).isIn(200, 201);
    return JSON.readTree(answer.body()).get("id").asText();
  }

  @Provide
  Arbitrary<Long> seeds() {
    return Arbitraries.randomValue(Random::nextLong);
  }

  @Fuzz
  void shouldAnswerAsDocumented(@ForAll("seeds") long seed) throws IOException {
    Random random = new Random(seed);
    switch (random.nextInt(40)) {
      case 0, 1, 2 -> state(random);
      case 3, 4, 5 -> key(random);
      case 6 -> size(random);
      case 7, 8, 9, 10 -> token(random);
      case 11, 12 -> place(random);
      default -> number(random);
    }
  }

  private static void expect(Request request, int status) throws IOException {
    Answer answer = request.ask(server.restPort());
    assertThat(answer.status()).as(request + "\n\n" + answer).isEqualTo(status);
    if (status >= 400) {
      answer.assertExplained();
    }
  }

  private static void number(Random random) throws IOException {
    Number number = NUMBERS.get(random.nextInt(NUMBERS.size()));
    String value = value(number, random);
    boolean whole = value.matches("-?[0-9]+");
    boolean right =
        whole
            && new BigInteger(value).compareTo(BigInteger.valueOf(number.smallest())) >= 0
            && new BigInteger(value).compareTo(BigInteger.valueOf(number.largest())) <= 0;
    String target = number.target().replace("JOB", job) + value;
    expect(request("GET", target, ""), right || value.isEmpty() ? 200 : 400);
  }

  private static String value(Number number, Random random) {
    BigInteger edge =
        BigInteger.valueOf(random.nextBoolean() ? number.smallest() : number.largest());
    return switch (random.nextInt(6)) {
      case 0, 1, 2 -> edge.add(BigInteger.valueOf(random.nextInt(5) - 2)).toString();
      case 3 -> new BigInteger(1 + random.nextInt(80), random).toString();
      case 4 -> String.valueOf(random.nextInt());
      default -> random.nextInt(8) == 0 ? "" : WORDS.get(random.nextInt(WORDS.size()));
    };
  }

  private static void state(Random random) throws IOException {
    JobState.Status[] states = JobState.Status.values();
    String state = states[random.nextInt(states.length)].name();
    String given = random.nextBoolean() ? state : state.toLowerCase(Locale.ROOT);
    boolean right = random.nextBoolean();
    if (!right) {
      given =
          switch (random.nextInt(4)) {
            case 0 -> given + "x";
            case 1 -> given.substring(1);
            case 2 -> given + "%20";
            default -> "'" + given + "'";
          };
    }
    expect(request("GET", "/v1/jobs?limit=1&state=" + given, ""), right ? 200 : 400);
  }

  /** Of the same key and body there is one job; of another body none. */
  private static void key(Random random) throws IOException {
    int length = random.nextInt(3) == 0 ? 250 + random.nextInt(12) : 1 + random.nextInt(60);
    StringBuilder key = new StringBuilder();
    for (int i = 0; i < length; i++) {
      key.append((char) ('!' + random.nextInt(94)));
    }
    Request first =
        request("POST", "/v1/jobs", TestJobs.yaml(1, 1)).with("Idempotency-Key: " + key);
    if (length > 255) {
      expect(first, 400);
      return;
    }
    Answer created = first.ask(server.restPort());
    assertThat(created.status()).as(created.toString()).isEqualTo(201);
    String id = id(created);
    Answer again = first.ask(server.restPort());
    assertThat(again.status()).isEqualTo(200);
    assertThat(id(again)).isEqualTo(id);
    expect(request("POST", "/v1/jobs", TestJobs.yaml(1, 2)).with("Idempotency-Key: " + key), 409);
    remove(id);
  }

  private static void size(Random random) throws IOException {
    String file = TestJobs.yaml(1, 1);
    int bytes = LARGEST_BODY + random.nextInt(5) - 2;
    String line = "#" + "x".repeat(998) + "\n";
    int left = bytes - file.length();
    String body = file + line.repeat(left / 1000) + "#".repeat(left % 1000);
    if (bytes > LARGEST_BODY) {
      expect(request("POST", "/v1/jobs", body), 413);
    } else {
      remove(id(ask("POST", "/v1/jobs", body)));
    }
  }

  private static void token(Random random) throws IOException {
    int at = random.nextInt(TOKEN.length());
    String token =
        switch (random.nextInt(7)) {
          case 0 -> TOKEN.substring(0, at);
          case 1 -> TOKEN + (char) ('!' + random.nextInt(94));
          case 2 -> TOKEN.substring(0, at) + "~" + TOKEN.substring(at + 1);
          case 3 -> TOKEN.toUpperCase(Locale.ROOT);
          case 4 -> TOKEN + TOKEN;
          case 5 -> TOKEN.substring(1);
          default -> TOKEN;
        };
    String scheme = List.of("Bearer ", "Bearer ", "bearer ", "Basic ", "").get(random.nextInt(5));
    boolean right = scheme.equalsIgnoreCase("Bearer ") && token.equals(TOKEN);
    String target =
        List.of("/v1/jobs?limit=1", "/v1/workers", "/openapi.yaml", "/metrics")
            .get(random.nextInt(4));
    expect(Request.plain("GET", target, scheme + token, ""), right ? 200 : 401);
  }

  private static void place(Random random) throws IOException {
    String other = "job-" + Long.toHexString(random.nextLong());
    switch (random.nextInt(5)) {
      case 0 -> expect(request("GET", "/v1/jobs/" + other, ""), 404);
      case 1 -> expect(request("DELETE", "/v1/jobs/" + other, ""), 404);
      case 2 -> expect(request("GET", "/v1/jobs/" + job + "/" + other, ""), 404);
      case 3 -> expect(request("PUT", "/v1/jobs/" + job, ""), 405);
      default -> expect(request("DELETE", "/v1/jobs/" + job, ""), 409); // it has not ended
    }
  }

  private static void remove(String id) throws IOException {
    assertThat(ask("POST", "/v1/jobs/" + id + "/cancel", "").status()).isEqualTo(200);
    assertThat(ask("DELETE", "/v1/jobs/" + id, "").status()).isEqualTo(204);
  }

  /** The server's parser cannot make them out, so no route sees them. */
  @Test
  void shouldAnswerMalformedRequestsAsItDoesAllMistakes() throws IOException {
    start();
    try {
      String end = "\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      List<String> malformed =
          List.of(
              "GET /v1/jobs?state=%zz HTTP/1.1" + end,
              "GET /v1/jobs/% HTTP/1.1" + end,
              "GET /a" + "x".repeat(5000) + " HTTP/1.1" + end,
              "GET /v1/jobs HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
              "GET /v1/jobs HTTP/1.1\r\nno header at all" + end,
              "GET /v1/jobs HTTP/1.1\r\nContent-Length: many" + end,
              "GET /v1/jobs HTTP/1.1\r\nX-Long: " + "x".repeat(20_000) + end);
      for (String request : malformed) {
        Answer answer = BareHttp.ask(server.restPort(), request.getBytes(UTF_8));
        assertThat(answer.status()).as(request + answer).isBetween(400, 599);
        answer.assertExplained();
      }
    } finally {
      stop();
    }
  }
}
