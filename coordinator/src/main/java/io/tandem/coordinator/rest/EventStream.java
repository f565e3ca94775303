package io.tandem.coordinator.rest;

import akka.NotUsed;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.MediaTypes;
import akka.japi.Pair;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoreReader;
import io.tandem.coordinator.store.StoreUnavailableException;
import io.tandem.coordinator.store.StoredJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A job's events as server-sent events, each with its id. Who asks for it also gets the job itself
 * as {@code progress}, without an id, whenever it changed. Ends after the last event of a job that
 * has ended on all its workers.
 */
final class EventStream {
  private static final Duration LOOK = Duration.ofMillis(250);
  private static final int BATCH = 500;

  /** What a reader was told: events up to that id, and the job as it then was. */
  private record Position(long after, StoredJob job, ObjectNode shown, boolean over) {}

  private final Store store;
  private final String jobId;
  private final boolean withProgress;

  private EventStream(Store store, String jobId, boolean withProgress) {
    this.store = store;
    this.jobId = jobId;
    this.withProgress = withProgress;
  }

  /** The answer that streams the events after that id. */
  static HttpResponse response(
      Store store, String jobId, long after, boolean withProgress, String dispatcher) {
    EventStream stream = new EventStream(store, jobId, withProgress);
    Source<ByteString, NotUsed> bytes =
        Source.tick(Duration.ZERO, LOOK, 0)
            .statefulMapConcat(
                () -> {
                  Position[] at = {new Position(after, null, null, false)};
                  return tick -> {
                    Pair<Position, List<String>> next = stream.look(at[0]);
                    at[0] = next.first();
                    List<Optional<String>> out = new ArrayList<>();
                    next.second().forEach(text -> out.add(Optional.of(text)));
                    if (at[0].over()) {
                      out.add(Optional.empty());
                    }
                    return out;
                  };
                })
            .async(dispatcher)
            .takeWhile(Optional::isPresent)
            .map(Optional::get)
            .keepAlive(Duration.ofSeconds(15), () -> ": alive\n\n")
            .map(ByteString::fromString)
            .mapMaterializedValue(timer -> NotUsed.getInstance());
    return HttpResponse.create()
        .withEntity(
            HttpEntities.createChunked(MediaTypes.TEXT_EVENT_STREAM.toContentType(), bytes));
  }

  /** While the database is away, nothing happens. */
  private Pair<Position, List<String>> look(Position at) {
    try {
      return read(at);
    } catch (StoreUnavailableException e) {
      return Pair.create(at, List.of());
    }
  }

  private static ObjectNode shown(StoredJob job, StoreReader reader) {
    return JobJson.jobs(List.of(job), Map.of(), reader).get(0);
  }

  private Pair<Position, List<String>> read(Position at) {
    return store.read(
        reader -> {
          List<String> out = new ArrayList<>();
          Optional<StoredJob> job = reader.job(jobId);
          List<Rows.Event> events = reader.events(jobId, at.after(), BATCH);
          long after = at.after();
          for (Rows.Event event : events) {
            out.add(
                "id: %d\nevent: %s\ndata: %s\n\n"
                    .formatted(event.id(), event.type(), JobJson.event(event)));
            after = event.id();
          }
          if (job.isEmpty()) {
            return Pair.create(new Position(after, at.job(), at.shown(), true), out);
          }
          boolean same = events.isEmpty() && job.get().equals(at.job());
          boolean shows = withProgress && !same;
          ObjectNode shown = shows ? shown(job.get(), reader) : at.shown();
          if (shows && !shown.equals(at.shown())) {
            out.add("event: progress\ndata: " + shown + "\n\n");
          }
          boolean ended =
              job.get().status().endedAt() != 0 && job.get().status().active().isEmpty();
          boolean over = ended && events.size() < BATCH;
          return Pair.create(new Position(after, job.get(), shown, over), out);
        });
  }
}
