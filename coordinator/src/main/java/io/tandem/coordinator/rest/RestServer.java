package io.tandem.coordinator.rest;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.Adapter;
import akka.http.javadsl.ConnectionContext;
import akka.http.javadsl.Http;
import akka.http.javadsl.ServerBinding;
import akka.http.javadsl.ServerBuilder;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.javadsl.settings.ServerSettings;
import akka.http.scaladsl.model.EntityStreamSizeException;
import akka.pattern.StatusReply;
import akka.util.ByteString;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoreUnavailableException;
import io.tandem.protocol.job.JobFiles;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The HTTP server: finds the route, checks the token, reads the body. Thread-safe. */
public final class RestServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RestServer.class);
  private static final String BLOCKING = "akka.actor.default-blocking-io-dispatcher";

  /** What is read and thrown away, so that a client that sends too much gets to read why not. */
  private static final long LARGEST_READ = 64L << 20;

  private final ActorSystem<Void> system;
  private final Executor blocking;
  private final List<Route> routes;
  private final Page page = new Page();
  private final Gate gate;
  private final boolean encrypted;
  private final OpenStreams streams = new OpenStreams();
  private ServerBinding binding;

  private RestServer(
      ControlPlane plane,
      Store store,
      CoordinatorMetrics metrics,
      String host,
      RestSecurity security) {
    this.system = plane.system();
    this.gate = new Gate(security, host);
    this.encrypted = security.certificate() != null;
    this.blocking = system.dispatchers().lookup(DispatcherSelector.blocking());
    this.routes = routes(plane, store, metrics, blocking);
  }

  static List<Route> routes(
      ControlPlane plane, Store store, CoordinatorMetrics metrics, Executor blocking) {
    JobRoutes jobs = new JobRoutes(plane, store, blocking, BLOCKING);
    List<Route> all = new ArrayList<>(jobs.routes());
    all.addAll(new ViewRoutes(plane, store, jobs::find).routes());
    all.addAll(new ServiceRoutes(plane, store, metrics, blocking).routes());
    all.add(new ChangeStream(plane, store).route());
    return List.copyOf(all);
  }

  /**
   * Without a token only this machine may be served.
   *
   * @throws IllegalArgumentException when others would be served without one
   */
  public static void checkBinding(String host, RestSecurity security) {
    try {
      if (security.isOpen() && !InetAddress.getByName(host).isLoopbackAddress()) {
        throw new IllegalArgumentException(
            "REST would listen on "
                + host
                + " without a token: set TANDEM_TOKEN, or listen on 127.0.0.1");
      }
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("REST cannot listen on the unknown host " + host, e);
    }
  }

  /** Starts serving. */
  public static RestServer start(
      ControlPlane plane,
      Store store,
      CoordinatorMetrics metrics,
      String host,
      int port,
      RestSecurity security) {
    checkBinding(host, security);
    RestServer server = new RestServer(plane, store, metrics, host, security);
    ServerSettings settings =
        ServerSettings.create(Adapter.toClassic(server.system))
            .withParsingErrorHandler(UnreadableRequests.class.getName());
    ServerBuilder builder = Http.get(server.system).newServerAt(host, port).withSettings(settings);
    if (security.certificate() != null) {
      Tls tls = new Tls(security.certificate(), security.key());
      metrics.certificate("rest", tls::expirySeconds);
      builder = builder.enableHttps(ConnectionContext.httpsServer(tls::engine));
    }
    try {
      server.binding = builder.bind(server::answer).toCompletableFuture().get(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while REST started", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(
          "REST cannot listen on %s:%d: choose a free port, and an address of this host (%s)"
              .formatted(host, port, e.getCause() == null ? e : e.getCause().getMessage()),
          e);
    }
    if (security.isOpen()) {
      LOG.info("REST has no token (TANDEM_TOKEN) and serves this machine only");
    }
    LOG.info("REST listens on {}://{}:{}", security.scheme(), host, server.port());
    return server;
  }

  /** The port it listens on. */
  public int port() {
    return binding.localAddress().getPort();
  }

  @Override
  public void close() {
    try {
      binding.terminate(Duration.ofSeconds(2)).toCompletableFuture().get(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("REST did not stop in time", e);
    }
  }

  private CompletionStage<HttpResponse> answer(HttpRequest request) {
    if (page.owns(request)) {
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(guarded(request, page.answer(request)));
    }
    return call(request).thenApply(response -> guarded(request, response));
  }

  private HttpResponse guarded(HttpRequest request, HttpResponse response) {
    HttpResponse guarded = Replies.guarded(response);
    return encrypted ? Replies.secured(guarded, request.getUri().host().address()) : guarded;
  }

  /** Who is not allowed in is told so before anything of the body is kept. */
  private CompletionStage<HttpResponse> call(HttpRequest request) {
    Gate.Verdict verdict = gate.verdict(request);
    if (verdict.refusal().isPresent()) {
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(Replies.problem(verdict.refusal().get()));
    }
    if (ServiceRoutes.asksWhetherItLives(request)) { // which it does however busy it is
      request.discardEntityBytes(system);
      return CompletableFuture.completedFuture(ServiceRoutes.up());
    }
    return request
        .entity()
        .withSizeLimit(LARGEST_READ)
        .getDataBytes()
        .runFold(ByteString.emptyByteString(), RestServer::limited, system)
        .thenComposeAsync(body -> route(request, body), blocking)
        .thenApply(response -> streams.admit(verdict.counted(), response))
        .exceptionally(failure -> failed(request, failure))
        .whenComplete(
            (response, unknown) -> {
              if (response != null) {
                gate.audit(verdict.caller(), request, response);
              }
            });
  }

  /** Reads on past the limit without keeping, so that the client gets to read the answer. */
  private static ByteString limited(ByteString body, ByteString more) {
    return body.size() > JobFiles.MAXIMUM_BYTES ? body : body.concat(more);
  }

  private CompletionStage<HttpResponse> route(HttpRequest request, ByteString body) {
    String path = request.getUri().path();
    List<String> allowed = new ArrayList<>();
    for (Route route : routes) {
      Optional<Map<String, String>> parameters = route.match(path);
      if (parameters.isPresent()) {
        if (route.method().equals(request.method().value())) {
          return route.handler().apply(new Call(request, parameters.get(), checked(body)));
        }
        allowed.add(route.method());
      }
    }
    if (allowed.isEmpty()) {
      throw Problem.notFound("nothing is at " + path + "; /openapi.yaml lists all calls");
    }
    String methods = String.join(", ", allowed);
    Problem problem =
        new Problem(
            405,
            "Method not allowed",
            "given " + request.method().value() + "; allowed: " + methods,
            List.of());
    return CompletableFuture.completedFuture(
        Replies.problem(problem).addHeader(RawHeader.create("Allow", methods)));
  }

  private static byte[] checked(ByteString body) {
    if (body.size() > JobFiles.MAXIMUM_BYTES) {
      throw tooLarge();
    }
    return body.toArray();
  }

  private static Problem tooLarge() {
    return new Problem(
        413,
        "Body too large",
        "given more than %d bytes; allowed: at most so many".formatted(JobFiles.MAXIMUM_BYTES),
        List.of());
  }

  private static HttpResponse failed(HttpRequest request, Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof Problem problem) {
      return Replies.problem(problem);
    }
    if (cause instanceof EntityStreamSizeException) {
      return Replies.problem(tooLarge());
    }
    if (cause instanceof StoreUnavailableException away) {
      return Replies.problem(new Problem(503, "Not ready", away.getMessage(), List.of()));
    }
    if (cause instanceof TimeoutException) {
      // Nothing is broken here: between two leaders this is what everybody is told.
      LOG.warn("{} {}: {}", request.method().value(), request.getUri().path(), cause.getMessage());
      return Replies.problem(
          new Problem(
              503,
              "Not ready",
              "no coordinator leads, or it does not answer: try again",
              List.of()));
    }
    LOG.error("{} {} failed", request.method().value(), request.getUri().path(), cause);
    if (cause instanceof StatusReply.ErrorMessage said) {
      return Replies.problem(new Problem(503, "Not stored", said.getMessage(), List.of()));
    }
    return Replies.problem(
        new Problem(500, "Internal error", "the coordinator's log says more", List.of()));
  }
}
