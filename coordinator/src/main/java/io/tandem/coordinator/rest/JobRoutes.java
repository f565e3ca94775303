package io.tandem.coordinator.rest;

import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpMethods;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.JobState;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.JobActed;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.Remesh;
import io.tandem.protocol.control.Wish;
import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/** The calls under {@code /v1/jobs}. Reads come from the store, wishes go to the manager. */
final class JobRoutes {
  private static final int PAGE = 100;
  static final int LARGEST_PAGE = 1000;
  private static final int MOST_POINTS = 100_000;
  private static final Set<String> WAITING =
      Set.of(JobState.Status.QUEUED.name(), JobState.Status.RECOVERING.name());

  private final ControlPlane plane;
  private final Store store;
  private final Executor blocking;
  private final String streams;

  /** {@code streams} names the dispatcher that may block, which is {@code blocking}. */
  JobRoutes(ControlPlane plane, Store store, Executor blocking, String streams) {
    this.plane = plane;
    this.store = store;
    this.blocking = blocking;
    this.streams = streams;
  }

  List<Route> routes() {
    return List.of(
        new Route("POST", "/v1/jobs", this::submit),
        new Route("GET", "/v1/jobs", this::list),
        new Route("GET", "/v1/jobs/{id}", this::get),
        new Route("DELETE", "/v1/jobs/{id}", this::delete),
        new Route("GET", "/v1/jobs/{id}/file", this::file),
        new Route("GET", "/v1/jobs/{id}/events", this::events),
        new Route("GET", "/v1/jobs/{id}/metrics", this::metrics),
        new Route("GET", "/v1/jobs/{id}/logs", this::logs),
        new Route("GET", "/v1/jobs/{id}/checkpoints", this::checkpoints),
        new Route("GET", "/v1/jobs/{id}/model", this::model),
        new Route("POST", "/v1/jobs/{id}/cancel", call -> act(call, Wish.CANCEL_JOB, null)),
        new Route("POST", "/v1/jobs/{id}/pause", call -> act(call, Wish.PAUSE_JOB, null)),
        new Route("POST", "/v1/jobs/{id}/resume", this::resume));
  }

  /** A job file that is only to be looked at; the web page sends one whenever typing pauses. */
  static boolean isDryRun(HttpRequest request) {
    return request.method().equals(HttpMethods.POST)
        && request.getUri().path().equals("/v1/jobs")
        && request.getUri().query().get("dryRun").map(Boolean::parseBoolean).orElse(false);
  }

  private CompletionStage<HttpResponse> submit(Call call) {
    JobSpec spec;
    try {
      spec = JobFiles.parse(call.body());
    } catch (JobFileException e) {
      throw Problem.jobFile(e, call.body());
    }
    if (isDryRun(call.request())) {
      return done(Replies.yaml(JobFiles.toYaml(spec)));
    }
    String key = call.header("Idempotency-Key").map(String::strip).orElse(null);
    if (key != null && (key.isEmpty() || key.length() > 255)) {
      throw Problem.mistake("Idempotency-Key", key, "1 to 255 characters");
    }
    String json = new String(JobFiles.toJson(spec), StandardCharsets.UTF_8);
    return plane
        .submit(json, key)
        .thenCompose(
            submitted ->
                plane
                    .missing(List.of(submitted.getJobId()))
                    .thenApplyAsync(missing -> submitted(submitted, key, missing), blocking));
  }

  private HttpResponse submitted(JobSubmitted answer, String key, Map<String, String> missing) {
    String id = answer.getJobId();
    if (answer.getConflict()) {
      throw Problem.conflict(
          "Idempotency-Key '%s' belongs to job %s, which has another body: use a new key"
              .formatted(key, id));
    }
    if (!answer.getRefusal().isEmpty()) {
      throw Problem.conflict("the leading coordinator's release: " + answer.getRefusal());
    }
    return Replies.json(answer.getCreated() ? 201 : 200, json(find(id), missing))
        .addHeader(RawHeader.create("Location", "/v1/jobs/" + id));
  }

  private ObjectNode json(StoredJob job, Map<String, String> missing) {
    return store.read(reader -> JobJson.jobs(List.of(job), missing, reader).get(0));
  }

  private CompletionStage<HttpResponse> list(Call call) {
    String state = call.query("state").map(String::toUpperCase).orElse(null);
    List<String> states =
        Arrays.stream(JobState.Status.values()).map(Enum::name).collect(Collectors.toList());
    if (state != null && !states.contains(state)) {
      throw Problem.mistake("state", state, "one of " + states);
    }
    int limit = (int) call.number("limit", PAGE, 1, LARGEST_PAGE);
    long before = call.number("cursor", Long.MAX_VALUE, 1, Long.MAX_VALUE);
    List<StoredJob> jobs = store.read(r -> r.jobs(state, before, limit + 1));
    List<StoredJob> page = jobs.subList(0, Math.min(limit, jobs.size()));
    return missing(page)
        .thenApplyAsync(
            missing -> {
              ObjectNode body = Replies.JSON.createObjectNode();
              ArrayNode array = body.putArray("jobs");
              store
                  .<List<ObjectNode>>read(reader -> JobJson.jobs(page, missing, reader))
                  .forEach(array::add);
              if (jobs.size() > limit) {
                body.put("nextCursor", String.valueOf(page.get(limit - 1).header().number()));
              } else {
                body.putNull("nextCursor");
              }
              return Replies.json(200, body);
            },
            blocking);
  }

  /** By id, what those wait for that wait; the manager is not asked for nothing. */
  private CompletionStage<Map<String, String>> missing(List<StoredJob> jobs) {
    List<String> waiting =
        jobs.stream()
            .filter(job -> WAITING.contains(job.status().state()))
            .map(job -> job.header().id())
            .toList();
    return waiting.isEmpty() ? CompletableFuture.completedFuture(Map.of()) : plane.missing(waiting);
  }

  private CompletionStage<HttpResponse> get(Call call) {
    StoredJob job = find(call);
    return missing(List.of(job))
        .thenApplyAsync(missing -> Replies.json(200, json(job, missing)), blocking);
  }

  /** The job that the path names. */
  StoredJob find(Call call) {
    return find(call.path("id"));
  }

  private StoredJob find(String id) {
    return store
        .read(reader -> reader.job(id))
        .orElseThrow(() -> Problem.notFound("there is no job '" + id + "'"));
  }

  private CompletionStage<HttpResponse> file(Call call) {
    String json = find(call).header().spec();
    JobSpec spec = JobFiles.parse(json.getBytes(StandardCharsets.UTF_8));
    return done(Replies.yaml(JobFiles.toYaml(spec)));
  }

  /** On the mesh that the body names, or on the one that the job had. */
  private CompletionStage<HttpResponse> resume(Call call) {
    Remesh mesh = Remeshing.read(call.body(), () -> find(call).header().spec());
    return act(call, Wish.RESUME_JOB, mesh);
  }

  private CompletionStage<HttpResponse> act(Call call, Wish wish, Remesh mesh) {
    return plane
        .act(call.path("id"), wish, mesh)
        .thenApplyAsync(
            answer -> {
              checkGranted(call, answer);
              return Replies.json(200, json(find(call), Map.of()));
            },
            blocking);
  }

  private CompletionStage<HttpResponse> delete(Call call) {
    return plane
        .act(call.path("id"), Wish.DELETE_JOB, null)
        .thenApply(
            answer -> {
              checkGranted(call, answer);
              return HttpResponse.create().withStatus(204);
            });
  }

  private static void checkGranted(Call call, JobActed answer) {
    if (!answer.getFound()) {
      throw Problem.notFound("there is no job '" + call.path("id") + "'");
    }
    if (!answer.getRefusal().isEmpty()) {
      throw Problem.conflict(answer.getRefusal());
    }
  }

  private CompletionStage<HttpResponse> events(Call call) {
    StoredJob job = find(call);
    long after = after(call, job);
    boolean stream =
        call.header("Accept").map(accept -> accept.contains("text/event-stream")).orElse(false);
    if (stream) {
      boolean progress = call.query("progress").map(Boolean::parseBoolean).orElse(false);
      long last = lastEventId(call, after);
      return done(EventStream.response(store, job.header().id(), last, progress, streams));
    }
    int limit = (int) call.number("limit", LARGEST_PAGE, 1, LARGEST_PAGE);
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("events");
    store
        .read(reader -> reader.events(job.header().id(), after, limit))
        .forEach(event -> array.add(JobJson.event(event)));
    return done(Replies.json(200, body));
  }

  /** The id after which events are told: as given, or such that only the last ones are. */
  private long after(Call call, StoredJob job) {
    long after = call.number("after", 0, 0, Long.MAX_VALUE);
    if (call.query("last").isEmpty()) {
      return after;
    }
    int last = (int) call.number("last", 0, 1, LARGEST_PAGE);
    return Math.max(after, store.read(r -> r.eventBeforeLast(job.header().id(), last)));
  }

  private static long lastEventId(Call call, long otherwise) {
    String given = call.header("Last-Event-ID").orElse("").strip();
    if (given.isEmpty()) {
      return otherwise;
    }
    try {
      return Long.parseLong(given);
    } catch (NumberFormatException e) {
      throw Problem.mistake("Last-Event-ID", given, "the id of an event of this job");
    }
  }

  private CompletionStage<HttpResponse> metrics(Call call) {
    StoredJob job = find(call);
    long from = call.number("from", 0, 0, Long.MAX_VALUE);
    long to = call.number("to", Long.MAX_VALUE, 0, Long.MAX_VALUE);
    String name = call.query("name").orElse(null);
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("metrics");
    int limit = (int) call.number("limit", MOST_POINTS, LARGEST_PAGE, MOST_POINTS);
    List<Rows.Metric> points =
        store.read(reader -> reader.metrics(job.header().id(), name, from, to, limit + 1));
    // What has the same time is answered together, so that the next answer can begin there.
    long end = points.size() > limit ? points.get(limit).time() : Long.MAX_VALUE;
    points.stream()
        .filter(metric -> metric.time() < end)
        .forEach(metric -> array.add(JobJson.metric(metric)));
    body.put("nextFrom", points.size() > limit ? end : null);
    return done(Replies.json(200, body));
  }

  private CompletionStage<HttpResponse> logs(Call call) {
    StoredJob job = find(call);
    long after = call.number("after", 0, 0, Long.MAX_VALUE);
    int limit = (int) call.number("limit", LARGEST_PAGE, 1, 10 * LARGEST_PAGE);
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("logs");
    store
        .read(reader -> reader.logs(job.header().id(), after, limit))
        .forEach(line -> array.add(JobJson.log(line)));
    return done(Replies.json(200, body));
  }

  private CompletionStage<HttpResponse> checkpoints(Call call) {
    StoredJob job = find(call);
    List<Rows.Checkpoint> rows = store.read(reader -> reader.checkpoints(job.header().id()));
    ObjectNode body = Replies.JSON.createObjectNode();
    ArrayNode array = body.putArray("checkpoints");
    rows.forEach(row -> array.add(JobJson.checkpoint(row)));
    return done(Replies.json(200, body));
  }

  private CompletionStage<HttpResponse> model(Call call) {
    StoredJob job = find(call);
    String path = job.status().modelPath();
    if (path.isEmpty()) {
      throw Problem.conflict(
          "job "
              + job.header().id()
              + " is "
              + job.status().state()
              + " and exported no model yet");
    }
    return CompletableFuture.supplyAsync(() -> model(path), blocking);
  }

  private static HttpResponse model(String path) {
    String why = "";
    try {
      // Of an object store, where the program brings a file system that knows it.
      Path file = path.startsWith("s3://") ? Path.of(URI.create(path)) : Path.of(path);
      if (Files.isReadable(file)) {
        return HttpResponse.create()
            .withEntity(HttpEntities.create(ContentTypes.APPLICATION_OCTET_STREAM, file))
            .addHeader(
                RawHeader.create(
                    "Content-Disposition", "attachment; filename=\"student.safetensors\""));
      }
    } catch (UncheckedIOException | FileSystemNotFoundException | IllegalArgumentException e) {
      why = " (" + e.getMessage() + ")";
    }
    throw Problem.notFound(
        "the model lies at "
            + path
            + " on the workers, which this coordinator cannot read"
            + why
            + ": share that directory with it, give it the object store's credentials, or copy the"
            + " file from there");
  }

  private static CompletionStage<HttpResponse> done(HttpResponse response) {
    return CompletableFuture.completedFuture(response);
  }
}
