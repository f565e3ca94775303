package io.tandem.coordinator.rest;

import akka.NotUsed;
import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ClusterView;
import io.tandem.protocol.control.WorkerView;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/**
 * Jobs, workers and totals as server-sent events whenever they change. It tells states, not steps
 * on the way: a reader that was away, or is slow, gets what is true now. All readers share one look
 * a second, so that a hundred cost little more than one. Thread-safe.
 */
final class ChangeStream {
  private static final Duration LOOK = Duration.ofSeconds(1);

  /**
   * Jobs that ended are still told if one of the last so many events is theirs, or one since the
   * last looks: a reader that has missed none of these hears of every end.
   */
  private static final int EVENTS = 500;

  private static final int LOOKS = 3;

  /** Looks before a pause so long were for readers that are gone. */
  private static final Duration PAUSE = Duration.ofMinutes(1);

  /** What is true at one moment: events by the kind and id of what they tell. */
  record Look(Map<String, String> events) {}

  private final ControlPlane plane;
  private final Store store;
  private final LongSupplier nanoTime;
  private CompletionStage<Look> shared;
  private long lookedAt;

  /** The newest event of each of the last looks, the oldest first. */
  private final Deque<Long> newest = new ArrayDeque<>();

  ChangeStream(ControlPlane plane, Store store) {
    this(plane, store, System::nanoTime);
  }

  ChangeStream(ControlPlane plane, Store store, LongSupplier nanoTime) {
    this.plane = plane;
    this.store = store;
    this.nanoTime = nanoTime;
  }

  Route route() {
    return new Route("GET", "/v1/changes", call -> CompletableFuture.completedFuture(response()));
  }

  private HttpResponse response() {
    Source<ByteString, NotUsed> bytes =
        Source.tick(Duration.ZERO, LOOK, 0)
            .mapAsync(1, tick -> look())
            .statefulMapConcat(
                () -> {
                  Map<String, String> told = new HashMap<>();
                  return look -> changes(told, look.events());
                })
            .keepAlive(Duration.ofSeconds(15), () -> ": alive\n\n")
            .map(ByteString::fromString)
            .mapMaterializedValue(timer -> NotUsed.getInstance());
    return HttpResponse.create()
        .withEntity(
            HttpEntities.createChunked(MediaTypes.TEXT_EVENT_STREAM.toContentType(), bytes));
  }

  /** What is new; afterwards {@code told} is what the reader knows. */
  private static List<String> changes(Map<String, String> told, Map<String, String> events) {
    List<String> out = new ArrayList<>();
    events.forEach(
        (key, event) -> {
          if (!event.equals(told.put(key, event))) {
            out.add(event);
          }
        });
    told.keySet()
        .removeIf(
            key -> {
              boolean gone = !events.containsKey(key);
              if (gone && key.startsWith("worker ")) {
                ObjectNode id = Replies.JSON.createObjectNode().put("id", key.substring(7));
                out.add(event("worker-gone", id));
              }
              return gone;
            });
    return out;
  }

  /** Everybody's look, made anew when the last one is half a second old. */
  synchronized CompletionStage<Look> look() {
    long now = nanoTime.getAsLong();
    if (shared == null || now - lookedAt > LOOK.toNanos() / 2) {
      if (now - lookedAt > PAUSE.toNanos()) {
        newest.clear();
      }
      lookedAt = now;
      Executor blocking = plane.system().dispatchers().lookup(DispatcherSelector.blocking());
      shared =
          CompletableFuture.supplyAsync(this::lately, blocking)
              .thenCompose(
                  jobs ->
                      plane
                          .view(jobs.stream().map(job -> job.header().id()).toList())
                          .thenApplyAsync(view -> look(jobs, view), blocking));
    }
    return shared;
  }

  private List<StoredJob> lately() {
    return store.read(reader -> reader.lately(seenBefore(reader.newestEvent())));
  }

  private synchronized long seenBefore(long now) {
    newest.add(now);
    long oldest = newest.size() > LOOKS ? newest.remove() : newest.peek();
    return Math.min(oldest, now - EVENTS);
  }

  private Look look(List<StoredJob> jobs, ClusterView view) {
    Map<String, String> events = new HashMap<>();
    store.read(
        reader -> {
          for (StoredJob job : jobs) {
            String id = job.header().id();
            String missing = view.getMissingMap().get(id);
            events.put("job " + id, event("job", JobJson.job(job, missing, reader)));
          }
          return null;
        });
    int slots = 0;
    int used = 0;
    for (WorkerView worker : view.getWorkersList()) {
      ObjectNode node = JobJson.worker(worker);
      node.remove("heartbeatAt"); // changes all the time, and says only that nothing does
      events.put("worker " + worker.getId(), event("worker", node));
      slots += worker.getSlots();
      used += worker.getUsedSlots();
    }
    ObjectNode totals = Replies.JSON.createObjectNode();
    totals.put("workers", view.getWorkersCount()).put("slots", slots).put("usedSlots", used);
    view.getJobsMap().forEach(totals.putObject("jobs")::put);
    events.put("totals", event("totals", totals));
    return new Look(events);
  }

  private static String event(String type, ObjectNode data) {
    return "event: " + type + "\ndata: " + data + "\n\n";
  }
}
