package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoreUnavailableException;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ClusterView;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** Workers, health, metrics and the API's description. */
final class ServiceRoutes {
  private static final Duration LOOK = Duration.ofMillis(500);
  private static final String LIVE = "/health/live";

  private final ControlPlane plane;
  private final Store store;
  private final CoordinatorMetrics metrics;
  private final Executor blocking;

  /** A leader has answered, or would if the database were there. */
  private volatile boolean joined;

  private CompletionStage<HttpResponse> looked;
  private long lookedNs;

  ServiceRoutes(ControlPlane plane, Store store, CoordinatorMetrics metrics, Executor blocking) {
    this.plane = plane;
    this.store = store;
    this.metrics = metrics;
    this.blocking = blocking;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", "/v1/workers", call -> plane.view().thenApply(this::workers)),
        new Route("GET", LIVE, call -> CompletableFuture.completedFuture(up())),
        new Route("GET", "/health/ready", call -> ready()),
        new Route("GET", "/metrics", call -> scrape()),
        new Route("GET", "/openapi.yaml", call -> openApi()));
  }

  private HttpResponse workers(ClusterView view) {
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("workers");
    view.getWorkersList().forEach(worker -> array.add(JobJson.worker(worker)));
    return Replies.json(200, body);
  }

  static boolean asksWhetherItLives(HttpRequest request) {
    return request.method().equals(HttpMethods.GET) && request.getUri().path().equals(LIVE);
  }

  static HttpResponse up() {
    return Replies.json(200, Replies.JSON.createObjectNode().put("status", "up"));
  }

  /** Anybody may ask this as often as he likes, so all who do share a look. */
  private synchronized CompletionStage<HttpResponse> ready() {
    long now = System.nanoTime();
    if (looked == null || now - lookedNs > LOOK.toNanos()) {
      lookedNs = now;
      looked = look();
    }
    return looked;
  }

  /**
   * Whether calls are to come here: from when a leader has answered, or the database is away from a
   * member of the cluster, whatever goes away after that, for who calls is then told so, while of a
   * service without a ready pod he would hear nothing. A coordinator that is cut off steps down and
   * begins again, with another of these.
   */
  private CompletionStage<HttpResponse> look() {
    return CompletableFuture.supplyAsync(this::outage, blocking)
        .thenCompose(
            outage ->
                outage.isPresent()
                    ? CompletableFuture.completedFuture(away(outage.get()))
                    : plane.view().handle((view, failure) -> leads(failure == null)));
  }

  /** Nobody joins before the database was there. */
  private HttpResponse away(String reason) {
    if (plane.isMember()) {
      joined = true;
    }
    return hindered(reason);
  }

  private Optional<String> outage() {
    try {
      store.check();
      return Optional.empty();
    } catch (StoreUnavailableException e) {
      return Optional.of(e.getMessage());
    }
  }

  private HttpResponse leads(boolean somebody) {
    if (!somebody) {
      return hindered("no coordinator leads");
    }
    joined = true;
    return up();
  }

  private HttpResponse hindered(String reason) {
    return joined
        ? Replies.json(
            200, Replies.JSON.createObjectNode().put("status", "waiting").put("detail", reason))
        : Replies.problem(new Problem(503, "Not ready", reason, List.of()));
  }

  /** What only the leader knows is missing while there is none. */
  private CompletionStage<HttpResponse> scrape() {
    return plane
        .view()
        .handleAsync(
            (view, failure) ->
                Replies.text(failure == null ? scrape(view) : metrics.scrapeWithoutLeader()),
            blocking);
  }

  private String scrape(ClusterView view) {
    List<StoredJob> placed;
    try {
      placed = store.read(reader -> reader.jobs(view.getPlacedList()));
    } catch (StoreUnavailableException e) {
      return metrics.scrapeWithoutLeader();
    }
    return metrics.scrape(view, placed, view.getLeader().equals(plane.address()));
  }

  private static CompletionStage<HttpResponse> openApi() {
    try (InputStream file = ServiceRoutes.class.getResourceAsStream("openapi.yaml")) {
      return CompletableFuture.completedFuture(
          HttpResponse.create().withEntity(HttpEntities.create(Replies.YAML, file.readAllBytes())));
    } catch (IOException e) {
      throw new UncheckedIOException("openapi.yaml cannot be read", e);
    }
  }
}
