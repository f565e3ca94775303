package io.tandem.coordinator.rest;

import akka.http.javadsl.model.HttpResponse;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.WorkerView;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/** What of a job is drawn rather than read: curves, the mesh's times, test images. */
final class ViewRoutes {
  private static final int CURVE_POINTS = 400;

  private final ControlPlane plane;
  private final Store store;
  private final Function<Call, StoredJob> find;

  /** {@code find} gives the job that a call's path names, or throws {@link Problem}. */
  ViewRoutes(ControlPlane plane, Store store, Function<Call, StoredJob> find) {
    this.plane = plane;
    this.store = store;
    this.find = find;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", "/v1/jobs/{id}/curves", this::curves),
        new Route("GET", "/v1/jobs/{id}/ranks", this::ranks),
        new Route("GET", "/v1/jobs/{id}/samples", this::samples),
        new Route("GET", "/v1/jobs/{id}/samples/{place}", this::sample));
  }

  private CompletionStage<HttpResponse> curves(Call call) {
    StoredJob job = find.apply(call);
    int points = (int) call.number("points", CURVE_POINTS, 1, JobRoutes.LARGEST_PAGE);
    long last = Math.max(job.progress().totalSteps(), job.progress().step());
    List<Rows.Metric> thinned =
        store.read(reader -> reader.thinned(job.header().id(), last, points));
    return CompletableFuture.completedFuture(Replies.json(200, JobJson.curves(thinned)));
  }

  private CompletionStage<HttpResponse> samples(Call call) {
    String id = find.apply(call).header().id();
    List<Rows.Sample> samples = store.read(reader -> reader.samples(id));
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("samples");
    samples.forEach(sample -> array.add(JobJson.sample(id, sample)));
    return CompletableFuture.completedFuture(Replies.json(200, body));
  }

  private CompletionStage<HttpResponse> sample(Call call) {
    String id = find.apply(call).header().id();
    String place = call.path("place");
    Rows.Sample sample =
        store.<List<Rows.Sample>>read(reader -> reader.samples(id)).stream()
            .filter(s -> String.valueOf(s.place()).equals(place))
            .findFirst()
            .orElseThrow(() -> Problem.notFound("job " + id + " shows no image '" + place + "'"));
    return CompletableFuture.completedFuture(Replies.picture(sample.image()));
  }

  /** Only of the attempt that runs: what an older one's workers still say is of no use. */
  private CompletionStage<HttpResponse> ranks(Call call) {
    StoredJob job = find.apply(call);
    return plane
        .view()
        .thenApply(
            view -> {
              ObjectNode body = Replies.JSON.createObjectNode();
              ArrayNode array = body.putArray("ranks");
              for (WorkerView worker : view.getWorkersList()) {
                worker.getRunningList().stream()
                    .filter(running -> running.getJobId().equals(job.header().id()))
                    .filter(running -> running.getAttempt() == job.status().attempt())
                    .flatMap(running -> running.getTimesList().stream())
                    .forEach(time -> array.add(JobJson.rank(worker.getId(), time)));
              }
              return Replies.json(200, body);
            });
  }
}
