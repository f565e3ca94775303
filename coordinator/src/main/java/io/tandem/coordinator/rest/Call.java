package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpRequest;
import java.util.Map;
import java.util.Optional;

/**
 * One request, taken apart.
 *
 * @param request as it came
 * @param parameters of the path
 * @param body at most 1 MiB
 */
record Call(HttpRequest request, Map<String, String> parameters, byte[] body) {
  /** A parameter of the path. */
  String path(String name) {
    return parameters.get(name);
  }

  Optional<String> query(String name) {
    return request.getUri().query().get(name).filter(text -> !text.isEmpty());
  }

  /** A whole number of the query. */
  long number(String name, long otherwise, long smallest, long largest) {
    Optional<String> given = query(name);
    if (given.isEmpty()) {
      return otherwise;
    }
    try {
      long value = Long.parseLong(given.get());
      if (value >= smallest && value <= largest) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Answered below, like a number out of range.
    }
    throw Problem.mistake(name, given.get(), "a whole number from " + smallest + " to " + largest);
  }

  Optional<String> header(String name) {
    return request.getHeader(name).map(header -> header.value());
  }
}
