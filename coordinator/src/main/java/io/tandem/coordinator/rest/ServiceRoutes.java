package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.JobMessage;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Workers, health, metrics and the API's description. */
final class ServiceRoutes {
  private final ControlPlane plane;
  private final CoordinatorMetrics metrics;

  ServiceRoutes(ControlPlane plane, CoordinatorMetrics metrics) {
    this.plane = plane;
    this.metrics = metrics;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", "/v1/workers", call -> plane.overview().thenApply(this::workers)),
        new Route("GET", "/health/live", call -> CompletableFuture.completedFuture(up())),
        new Route("GET", "/health/ready", call -> plane.overview().thenApply(overview -> up())),
        new Route("GET", "/metrics", call -> plane.overview().thenApply(this::scrape)),
        new Route("GET", "/openapi.yaml", call -> openApi()));
  }

  private HttpResponse workers(JobMessage.Overview overview) {
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("workers");
    overview.workers().forEach(worker -> array.add(JobJson.worker(worker)));
    return Replies.json(200, body);
  }

  private static HttpResponse up() {
    return Replies.json(200, Replies.JSON.createObjectNode().put("status", "up"));
  }

  private HttpResponse scrape(JobMessage.Overview overview) {
    String own = plane.system().address().toString();
    return Replies.text(metrics.scrape(overview, own.equals(overview.manager())));
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
