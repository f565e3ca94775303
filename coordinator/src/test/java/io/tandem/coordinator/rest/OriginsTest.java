package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;

import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.headers.RawHeader;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OriginsTest {
  private final Origins origins = new Origins("box");

  private static HttpRequest to(String host) {
    return HttpRequest.GET("/v1/jobs").addHeader(RawHeader.create("Host", host));
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "LocalHost:8080", "127.0.0.1:80", "[::1]:8080", "box:1"})
  void shouldAnswerAsThisMachine(String host) {
    assertThat(origins.refusal(to(host))).isEmpty();
  }

  /** A name that was made to point here: the browser takes its page to be of this site. */
  @ParameterizedTest
  @ValueSource(strings = {"evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "[::2]"})
  void shouldNotAnswerUnderAnotherName(String host) {
    assertThat(origins.refusal(to(host)))
        .hasValueSatisfying(problem -> assertThat(problem.status()).isEqualTo(403));
  }
}
