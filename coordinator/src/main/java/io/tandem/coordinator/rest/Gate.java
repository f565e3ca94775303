package io.tandem.coordinator.rest;

import akka.http.javadsl.model.AttributeKeys;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides who may call what, and keeps a record of who did what: the logger {@code tandem.audit}
 * has a line for each call that changes something, and for each that was refused. Thread-safe.
 */
final class Gate {
  /**
   * Calls of whoever has one token, or of an address without a token that is known. This host's own
   * are not counted.
   */
  static final double PER_SECOND = 100;

  static final double BURST = 400;
  private static final Logger AUDIT = LoggerFactory.getLogger("tandem.audit");
  private static final String BEARER = "Bearer ";
  private static final Tokens.Caller ANYBODY = new Tokens.Caller("anybody", Role.ADMIN);

  private final Optional<Tokens> tokens;
  private final Origins origins;
  private final RateLimit limit;

  Gate(RestSecurity security, String host) {
    this(security, host, System::nanoTime);
  }

  Gate(RestSecurity security, String host, LongSupplier clock) {
    this.tokens =
        security.isOpen()
            ? Optional.empty()
            : Optional.of(new Tokens(security.token(), security.tokens()));
    this.origins = new Origins(host);
    this.limit = new RateLimit(PER_SECOND, BURST, clock);
  }

  /**
   * A refused call, or whose it is.
   *
   * @param counted whom it counts for where there are limits; empty where there are none
   */
  record Verdict(Tokens.Caller caller, Optional<String> counted, Optional<Problem> refusal) {}

  Verdict verdict(HttpRequest request) {
    // What probes health has no token, and may share its address with those who call too often.
    if (request.getUri().path().startsWith("/health/")) {
      return new Verdict(ANYBODY, Optional.empty(), Optional.empty());
    }
    Optional<Tokens.Caller> caller = tokens.isEmpty() ? Optional.of(ANYBODY) : caller(request);
    String name = caller.map(Tokens.Caller::name).orElse("unknown");
    Optional<String> counted = counted(request, tokens.isEmpty() ? Optional.empty() : caller);
    if (counted.isPresent() && !limit.allows(counted.get())) {
      return refused(name, request, tooMany());
    }
    if (caller.isEmpty()) {
      return refused(name, request, unauthorized());
    }
    if (tokens.isEmpty()) {
      Optional<Problem> foreign = origins.refusal(request);
      if (foreign.isPresent()) {
        return refused("unknown", request, foreign.get());
      }
    }
    Role needed = Role.neededFor(request.method().value());
    if (!caller.get().role().mayActAs(needed)) {
      return refused(name, request, forbidden(caller.get(), needed));
    }
    return new Verdict(caller.get(), counted, Optional.empty());
  }

  private Optional<Tokens.Caller> caller(HttpRequest request) {
    String given = request.getHeader("Authorization").map(header -> header.value()).orElse("");
    return given.startsWith(BEARER)
        ? tokens.get().caller(given.substring(BEARER.length()).strip())
        : Optional.empty();
  }

  /** Writes down what was done, with the job that it made; reading and looking are not. */
  void audit(Tokens.Caller caller, HttpRequest request, HttpResponse response) {
    if (Role.neededFor(request.method().value()) != Role.VIEWER && !JobRoutes.isDryRun(request)) {
      int status = response.status().intValue();
      String made = response.getHeader("Location").map(place -> " " + place.value()).orElse("");
      record(caller.name(), request, status + made);
    }
  }

  private Verdict refused(String name, HttpRequest request, Problem problem) {
    record(name, request, String.valueOf(problem.status()));
    return new Verdict(ANYBODY, Optional.empty(), Optional.of(problem));
  }

  private static void record(String name, HttpRequest request, String answer) {
    AUDIT.info(
        "{} from {}: {} {} -> {}",
        name,
        address(request).map(InetAddress::getHostAddress).orElse("?"),
        request.method().value(),
        printable(request.getUri().path()),
        answer);
  }

  /** One line, of a bearable length, whatever was sent. */
  private static String printable(String path) {
    String cut = path.length() > 200 ? path.substring(0, 200) + "..." : path;
    return cut.replaceAll("[^\\x21-\\x7e]", "?");
  }

  /**
   * Whom a call is counted for, empty where it is not: many people may share an address, that of an
   * ingress or of a proxy, and who has a token is told apart by it.
   */
  private static Optional<String> counted(HttpRequest request, Optional<Tokens.Caller> caller) {
    return address(request)
        .filter(address -> !address.isLoopbackAddress())
        .map(
            address ->
                caller
                    .map(known -> "token " + known.name())
                    .orElse("address " + address.getHostAddress()));
  }

  private static Optional<InetAddress> address(HttpRequest request) {
    return request.getAttribute(AttributeKeys.remoteAddress).flatMap(remote -> remote.getAddress());
  }

  private static Problem tooMany() {
    return new Problem(
        429,
        "Too many calls",
        ("allowed are %.0f calls a second with a token, or from an address without one, %.0f at once;"
                + " try again in 1 s")
            .formatted(PER_SECOND, BURST),
        List.of());
  }

  private static Problem unauthorized() {
    return new Problem(
        401,
        "Unauthorized",
        "send 'Authorization: Bearer' with the coordinator's TANDEM_TOKEN, or a token of its file",
        List.of());
  }

  private static Problem forbidden(Tokens.Caller caller, Role needed) {
    return new Problem(
        403,
        "Forbidden",
        "%s is a %s; this takes a %s"
            .formatted(caller.name(), caller.role().label(), needed.label()),
        List.of());
  }
}
