package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpRequest;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps other sites' pages out where no token does. A coordinator without one serves its own
 * machine only, but every page in that machine's browser is on it too: by a request across sites,
 * or under a name of its own that it lets point to this machine.
 */
final class Origins {
  private static final Set<String> OWN_SITE = Set.of("same-origin", "none");

  private final String host;

  /** {@code host} is what REST was told to listen on. */
  Origins(String host) {
    this.host = host;
  }

  /** Why this request is not answered, if so. */
  Optional<Problem> refusal(HttpRequest request) {
    String site = header(request, "Sec-Fetch-Site");
    if (!site.isEmpty() && !OWN_SITE.contains(site)) {
      return Optional.of(forbidden("a call from another site's page"));
    }
    String name = header(request, "Host").replaceFirst(":\\d*$", "");
    boolean own =
        name.isEmpty()
            || name.equalsIgnoreCase("localhost")
            || name.equalsIgnoreCase(host)
            || name.matches("127(\\.\\d{1,3}){3}")
            || name.equals("[::1]");
    return own ? Optional.empty() : Optional.of(forbidden("a call to the host '" + name + "'"));
  }

  private static String header(HttpRequest request, String name) {
    return request.getHeader(name).map(header -> header.value()).orElse("");
  }

  private static Problem forbidden(String given) {
    return new Problem(
        403,
        "Forbidden",
        "given "
            + given
            + "; without a token this coordinator answers only as localhost or 127.0.0.1 and to"
            + " its own page: set TANDEM_TOKEN to serve others",
        List.of());
  }
}
