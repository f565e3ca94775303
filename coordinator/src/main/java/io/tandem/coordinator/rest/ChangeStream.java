package io.tandem.coordinator.rest;

import akka.NotUsed;
import akka.actor.typed.DispatcherSelector;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.japi.Pair;
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
import java.util.concurrent.CompletionException;
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

  /** A reader is told nothing while so many looks in a row fail; then its stream ends. */
  private static final int BLIND = 3;

  /** What is true at one moment: events by the kind and id of what they tell. */
  record Look(Map<String, String> events) {}

  /** Jobs of which something may be new, and the newest event of all. */
  private record Lately(List<StoredJob> jobs, long newest) {}

  /** A stream's reader. */
  static final class Reader {
    private final Map<String, String> told = new HashMap<>();
    private int blind;

    /** What is new to it; of a look that failed only the failure is there. */
    List<String> tell(Look look, Throwable failure) {
      if (look == null) {
        blind++;
        if (blind >= BLIND) {
          throw new CompletionException(failure);
        }
        return List.of();
      }
      blind = 0;
      return changes(told, look.events());
    }
  }

  private final ControlPlane plane;
  private final Store store;
  private final LongSupplier nanoTime;
  private CompletableFuture<Look> shared;
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
            .mapAsync(1, tick -> look().handle(Pair::create))
            .statefulMapConcat(
                () -> {
                  Reader reader = new Reader();
                  return seen -> reader.tell(seen.first(), seen.second());
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

  /** Everybody's look, made anew when the last one has ended and is half a second old. */
  synchronized CompletionStage<Look> look() {
    long now = nanoTime.getAsLong();
    if (shared == null || shared.isDone() && now - lookedAt > LOOK.toNanos() / 2) {
      if (now - lookedAt > PAUSE.toNanos()) {
        newest.clear();
      }
      lookedAt = now;
      Executor blocking = plane.system().dispatchers().lookup(DispatcherSelector.blocking());
      shared =
          CompletableFuture.supplyAsync(this::lately, blocking)
              .thenCompose(
                  lately ->
                      plane
                          .view(lately.jobs().stream().map(job -> job.header().id()).toList())
                          .thenApplyAsync(view -> look(lately, view), blocking));
    }
    return shared;
  }

  private Lately lately() {
    return store.read(
        reader -> {
          long now = reader.newestEvent();
          return new Lately(reader.lately(seenBefore(now)), now);
        });
  }

  private synchronized long seenBefore(long now) {
    return Math.min(newest.isEmpty() ? now : newest.peek(), now - EVENTS);
  }

  /** What a look that failed would have told, the next one tells. */
  private synchronized void saw(long event) {
    newest.add(event);
    if (newest.size() > LOOKS) {
      newest.remove();
    }
  }

  private Look look(Lately lately, ClusterView view) {
    Look look = look(lately.jobs(), view);
    saw(lately.newest());
    return look;
  }

  private Look look(List<StoredJob> jobs, ClusterView view) {
    Map<String, String> events = new HashMap<>();
    store
        .<List<ObjectNode>>read(reader -> JobJson.jobs(jobs, view.getMissingMap(), reader))
        .forEach(job -> events.put("job " + job.get("id").asText(), event("job", job)));
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
