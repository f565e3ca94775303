package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import akka.NotUsed;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.stream.KillSwitches;
import akka.stream.UniqueKillSwitch;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class OpenStreamsTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final Optional<String> ANNA = Optional.of("token anna");

  private static ActorSystem<Void> system;

  @BeforeAll
  static void start() {
    system = ActorSystem.create(Behaviors.empty(), "streams");
  }

  @AfterAll
  static void stop() {
    system.terminate();
  }

  private final OpenStreams streams = new OpenStreams();

  /** Says something once and goes on for ever. */
  private static HttpResponse endless() {
    Source<ByteString, NotUsed> events =
        Source.single(ByteString.fromString("data: 1\n\n")).concat(Source.maybe());
    return HttpResponse.create()
        .withEntity(
            HttpEntities.createChunked(MediaTypes.TEXT_EVENT_STREAM.toContentType(), events));
  }

  private static UniqueKillSwitch read(HttpResponse response) {
    return response
        .entity()
        .getDataBytes()
        .viaMat(KillSwitches.single(), Keep.right())
        .to(Sink.ignore())
        .run(system);
  }

  private void awaitOpen(int count) {
    await().atMost(LONG).untilAsserted(() -> assertThat(streams.open(ANNA.get())).isEqualTo(count));
  }

  @Test
  void shouldRefuseMoreStreamsThanACallerMayHaveUntilOneEnds() {
    List<UniqueKillSwitch> readers = new ArrayList<>();
    for (int i = 0; i < OpenStreams.MOST; i++) {
      readers.add(read(streams.admit(ANNA, endless())));
    }
    awaitOpen(OpenStreams.MOST);
    assertThatThrownBy(() -> streams.admit(ANNA, endless()))
        .isInstanceOfSatisfying(
            Problem.class,
            problem -> {
              assertThat(problem.status()).isEqualTo(429);
              assertThat(problem).hasMessageContaining("allowed are 100 at a time");
            });
    read(streams.admit(Optional.of("token ben"), endless())).shutdown();
    read(streams.admit(Optional.empty(), endless())).shutdown();
    assertThat(streams.admit(ANNA, Replies.text("no stream")).status().intValue()).isEqualTo(200);
    readers.forEach(UniqueKillSwitch::shutdown);
    awaitOpen(0);
    read(streams.admit(ANNA, endless())).shutdown();
  }

  /** Whose token is revoked is refused when he takes it up again. */
  @Test
  void shouldEndAStreamAfterAWhile() {
    OpenStreams brief = new OpenStreams(Duration.ofMillis(200));
    for (Optional<String> reader : List.of(ANNA, Optional.<String>empty())) {
      CompletionStage<String> read =
          brief
              .admit(reader, endless())
              .entity()
              .getDataBytes()
              .runFold("", (text, bytes) -> text + bytes.utf8String(), system);
      assertThat(read).succeedsWithin(LONG).isEqualTo("data: 1\n\n");
    }
    await().atMost(LONG).untilAsserted(() -> assertThat(brief.open(ANNA.get())).isZero());
  }

  /** Who asks for many at a time gets no more: those for which there is no place end at once. */
  @Test
  void shouldBoundStreamsThatWereAdmittedAtTheSameTime() {
    List<HttpResponse> admitted = new ArrayList<>();
    for (int i = 0; i < OpenStreams.MOST + 1; i++) {
      admitted.add(streams.admit(ANNA, endless()));
    }
    assertThat(streams.open(ANNA.get())).as("an answer that nobody reads counts not").isZero();
    List<UniqueKillSwitch> readers =
        admitted.stream().limit(OpenStreams.MOST).map(OpenStreamsTest::read).toList();
    awaitOpen(OpenStreams.MOST);
    CompletionStage<String> last =
        admitted
            .get(OpenStreams.MOST)
            .entity()
            .getDataBytes()
            .runFold("", (text, bytes) -> text + bytes.utf8String(), system);
    assertThat(last).succeedsWithin(LONG).isEqualTo("");
    readers.forEach(UniqueKillSwitch::shutdown);
    awaitOpen(0);
  }
}
