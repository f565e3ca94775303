package io.tandem.coordinator.rest;

import akka.NotUsed;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Bounds how many event streams a caller has open, each of which holds a connection and looks for
 * news, and for how long: whoever reads on takes it up anew, and his token is looked at again,
 * which may be revoked by then. Thread-safe.
 */
final class OpenStreams {
  /** Of one token, or of one address where there is no token. */
  static final int MOST = 100;

  private static final Duration LONGEST = Duration.ofMinutes(10);

  private final Duration longest;
  private final Map<String, Integer> open = new HashMap<>();

  OpenStreams() {
    this(LONGEST);
  }

  OpenStreams(Duration longest) {
    this.longest = longest;
  }

  /**
   * The answer, a stream of events or not, as it may go out.
   *
   * @param counted whom a stream counts for; empty where that is not limited
   * @throws Problem where the caller has as many streams as are allowed
   */
  HttpResponse admit(Optional<String> counted, HttpResponse response) {
    boolean stream =
        response
            .entity()
            .getContentType()
            .mediaType()
            .toString()
            .equals(MediaTypes.TEXT_EVENT_STREAM.toString());
    if (!stream) {
      return response;
    }
    Source<ByteString, Object> events = response.entity().getDataBytes().takeWithin(longest);
    return response.withEntity(
        HttpEntities.createChunked(
            response.entity().getContentType(),
            counted.isEmpty() ? events : bounded(counted.get(), events)));
  }

  /** Counted while it runs, and not before: an answer whose caller is gone is never read. */
  private Source<ByteString, ?> bounded(String caller, Source<ByteString, Object> events) {
    if (open(caller) >= MOST) {
      throw tooMany();
    }
    return Source.lazySource(() -> enter(caller) ? leaving(caller, events) : Source.empty());
  }

  private Source<ByteString, NotUsed> leaving(String caller, Source<ByteString, Object> events) {
    return events.watchTermination(
        (value, over) -> {
          over.whenComplete((done, failure) -> leave(caller));
          return NotUsed.getInstance();
        });
  }

  synchronized int open(String caller) {
    return open.getOrDefault(caller, 0);
  }

  /** Several may have been admitted at a time for the last place; these end at once. */
  private synchronized boolean enter(String caller) {
    boolean free = open(caller) < MOST;
    if (free) {
      open.merge(caller, 1, Integer::sum);
    }
    return free;
  }

  private synchronized void leave(String caller) {
    open.computeIfPresent(caller, (key, count) -> count > 1 ? count - 1 : null);
  }

  private static Problem tooMany() {
    return new Problem(
        429,
        "Too many event streams",
        "allowed are %d at a time with a token, or from an address without one; close some"
            .formatted(MOST),
        List.of());
  }
}
