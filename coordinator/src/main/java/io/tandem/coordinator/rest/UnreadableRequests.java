package io.tandem.coordinator.rest;

import akka.event.LoggingAdapter;
import akka.http.ParsingErrorHandler;
import akka.http.javadsl.model.HttpResponse;
import akka.http.scaladsl.model.ErrorInfo;
import akka.http.scaladsl.model.StatusCode;
import akka.http.scaladsl.settings.ServerSettings;
import java.util.List;

/**
 * What a client is answered whose request the server's parser cannot make out, a malformed address
 * or header for example: problem+json like every other mistake. Nothing of it is logged. Found by
 * name, as Scala's objects are.
 */
final class UnreadableRequests extends ParsingErrorHandler {
  static final UnreadableRequests MODULE$ = new UnreadableRequests();

  private UnreadableRequests() {}

  @Override
  public HttpResponse handle(
      StatusCode status, ErrorInfo error, LoggingAdapter log, ServerSettings settings) {
    String detail = error.summary().isBlank() ? status.defaultMessage() : error.summary();
    Problem problem = new Problem(status.intValue(), status.reason(), detail, List.of());
    return Replies.guarded(Replies.problem(problem));
  }
}
