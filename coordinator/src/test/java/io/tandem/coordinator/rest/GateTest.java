package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;

import akka.http.javadsl.model.AttributeKeys;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.RemoteAddress;
import akka.http.javadsl.model.headers.RawHeader;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

class GateTest {
  @TempDir Path directory;
  private final AtomicLong now = new AtomicLong();

  private Gate gate() throws Exception {
    Path file = directory.resolve("tokens");
    Files.writeString(
        file,
        Tokens.line("v", Role.VIEWER, "viewer-token")
            + "\n"
            + Tokens.line("s", Role.SUBMITTER, "submitter-token"));
    return new Gate(new RestSecurity("admin-token", file, null, null), "0.0.0.0", now::get);
  }

  private static HttpRequest request(String method, String path) {
    return HttpRequest.create(path).withMethod(HttpMethods.lookup(method).orElseThrow());
  }

  private static int status(Gate gate, HttpRequest request) {
    return gate.verdict(request).refusal().map(Problem::status).orElse(200);
  }

  @ParameterizedTest
  @CsvSource({
    "'',401,401,401",
    "Bearer nonsense,401,401,401",
    "admin-token,401,401,401",
    "Basic admin-token,401,401,401",
    "Bearer viewer-token,200,403,403",
    "Bearer submitter-token,200,200,403",
    "Bearer admin-token,200,200,200",
    "'Bearer  admin-token ',200,200,200",
  })
  void shouldLetInByRole(String header, int get, int post, int delete) throws Exception {
    Gate gate = gate();
    int[] expected = {get, post, delete};
    String[] methods = {"GET", "POST", "DELETE"};
    for (int i = 0; i < 3; i++) {
      HttpRequest request = request(methods[i], "/v1/jobs");
      if (!header.isEmpty()) {
        request = request.addHeader(RawHeader.create("Authorization", header));
      }
      assertThat(status(gate, request)).as(methods[i]).isEqualTo(expected[i]);
    }
    assertThat(status(gate, request("PATCH", "/v1/jobs"))).isEqualTo(401);
    assertThat(status(gate, request("GET", "/health/live"))).isEqualTo(200);
  }

  @Test
  void shouldLimitWhoComesFromElsewhere() throws Exception {
    Gate gate = gate();
    HttpRequest far = from("10.1.2.3");
    for (int i = 0; i < Gate.BURST; i++) {
      assertThat(status(gate, far)).isEqualTo(401);
    }
    Problem refusal = gate.verdict(far).refusal().orElseThrow();
    assertThat(refusal.status()).isEqualTo(429);
    assertThat(Replies.problem(refusal).getHeader("Retry-After")).isPresent();
    assertThat(status(gate, from("10.1.2.4"))).isEqualTo(401);
    for (int i = 0; i <= Gate.BURST; i++) {
      assertThat(status(gate, from("127.0.0.1"))).isEqualTo(401);
    }
  }

  /** A kubelet may share its address with who calls too often, and would kill the pod. */
  @Test
  void shouldAnswerHealthWhateverElseItsAddressAsks() throws Exception {
    Gate gate = gate();
    while (status(gate, from("10.1.2.3")) != 429) {
      now.incrementAndGet();
    }
    for (int i = 0; i < 2 * Gate.BURST; i++) {
      for (String path : List.of("/health/live", "/health/ready")) {
        assertThat(status(gate, from("10.1.2.3", path))).isEqualTo(200);
      }
    }
  }

  /** Behind one ingress all have its address. */
  @Test
  void shouldLimitEachTokenByItselfFromOneAddress() throws Exception {
    Gate gate = gate();
    HttpRequest viewer =
        from("10.1.2.3").addHeader(RawHeader.create("Authorization", "Bearer viewer-token"));
    for (int i = 0; i < Gate.BURST; i++) {
      assertThat(status(gate, viewer)).isEqualTo(200);
    }
    assertThat(status(gate, viewer)).isEqualTo(429);
    HttpRequest elsewhere =
        from("10.1.2.4").addHeader(RawHeader.create("Authorization", "Bearer viewer-token"));
    assertThat(status(gate, elsewhere)).as("the same token from another address").isEqualTo(429);
    HttpRequest submitter =
        from("10.1.2.3").addHeader(RawHeader.create("Authorization", "Bearer submitter-token"));
    assertThat(status(gate, submitter)).isEqualTo(200);
    assertThat(status(gate, from("10.1.2.3"))).as("without a token").isEqualTo(401);
  }

  private static List<String> audited(Runnable work) {
    Logger audit = (Logger) LoggerFactory.getLogger("tandem.audit");
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    audit.addAppender(lines);
    audit.setLevel(Level.INFO);
    try {
      work.run();
    } finally {
      audit.detachAppender(lines);
      audit.setLevel(null); // as its parent's
    }
    return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void shouldWriteDownWhatWasDoneAndWhichJobWasMade() throws Exception {
    Gate gate = gate();
    Tokens.Caller ben = new Tokens.Caller("ben", Role.SUBMITTER);
    HttpResponse done = HttpResponse.create().withStatus(200);
    HttpResponse made =
        HttpResponse.create()
            .withStatus(201)
            .addHeader(RawHeader.create("Location", "/v1/jobs/j-7"));
    List<String> lines =
        audited(
            () -> {
              gate.audit(ben, request("POST", "/v1/jobs"), made);
              gate.audit(ben, request("GET", "/v1/jobs"), done);
              gate.audit(ben, request("POST", "/v1/jobs?dryRun=true"), done);
              gate.audit(ben, request("POST", "/v1/jobs?dryRun=false"), made);
              gate.audit(ben, request("POST", "/v1/jobs/j-7/cancel?dryRun=true"), done);
            });
    assertThat(lines)
        .containsExactly(
            "ben from ?: POST /v1/jobs -> 201 /v1/jobs/j-7",
            "ben from ?: POST /v1/jobs -> 201 /v1/jobs/j-7",
            "ben from ?: POST /v1/jobs/j-7/cancel -> 200");
  }

  private static HttpRequest from(String address) throws Exception {
    return from(address, "/v1/jobs");
  }

  private static HttpRequest from(String address, String path) throws Exception {
    return request("GET", path)
        .addAttribute(
            AttributeKeys.remoteAddress, RemoteAddress.create(InetAddress.getByName(address)));
  }
}
