package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * One call that REST answers.
 *
 * @param method in capitals
 * @param template of the path, for example {@code /v1/jobs/{id}}
 * @param handler may throw {@link Problem}; runs where it may block
 */
record Route(
    String method, String template, Function<Call, CompletionStage<HttpResponse>> handler) {
  /** The path's parameters when it has the template's shape. */
  Optional<Map<String, String>> match(String path) {
    String[] expected = template.split("/", -1);
    String[] given = path.split("/", -1);
    if (expected.length != given.length) {
      return Optional.empty();
    }
    Map<String, String> parameters = new HashMap<>();
    for (int i = 0; i < expected.length; i++) {
      if (expected[i].startsWith("{")) {
        parameters.put(expected[i].substring(1, expected[i].length() - 1), given[i]);
      } else if (!expected[i].equals(given[i])) {
        return Optional.empty();
      }
    }
    return Optional.of(parameters);
  }
}
