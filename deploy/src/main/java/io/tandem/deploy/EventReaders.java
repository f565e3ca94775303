package io.tandem.deploy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/**
 * Readers of server-sent events, all at once: each follows a job with its progress until that ends,
 * then the next of its jobs. Others read what the web page reads of all jobs. What each was told is
 * kept, to be compared with what is stored. Thread-safe.
 */
final class EventReaders {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** What the readers of jobs got. */
  record Delivery(int follows, long events, long lost, long repeated, Latencies latency) {}

  /** One job's events as one reader got them, which ends with the job. */
  private record Follow(String jobId, long sinceMillis, List<Long> ids, AtomicBoolean ended) {}

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(30))
          .build();
  private final URI server;
  private final Latencies latency = new Latencies();
  private final ConcurrentLinkedQueue<Follow> follows = new ConcurrentLinkedQueue<>();
  private final List<CompletableFuture<Void>> ends = new CopyOnWriteArrayList<>();
  private final List<Map<String, String>> pages = new CopyOnWriteArrayList<>();
  private final List<CompletableFuture<Void>> pageEnds = new CopyOnWriteArrayList<>();

  EventReaders(URI server) {
    this.server = server;
  }

  /**
   * One more reader, of these jobs one after the other.
   *
   * @param jobs complete as soon as each is known; of these the first is
   */
  void follow(List<CompletableFuture<String>> jobs) {
    CompletableFuture<Void> all = CompletableFuture.completedFuture(null);
    for (CompletableFuture<String> job : jobs) {
      all = all.thenCompose(before -> job).thenCompose(this::follow);
    }
    ends.add(all);
  }

  private CompletableFuture<Void> follow(String jobId) {
    Follow follow =
        new Follow(jobId, System.currentTimeMillis(), new ArrayList<>(), new AtomicBoolean());
    follows.add(follow);
    return read(follow);
  }

  /** Until the job has ended: a stream ends before that when it has been open for long. */
  private CompletableFuture<Void> read(Follow follow) {
    List<Long> ids = follow.ids();
    long after = ids.isEmpty() ? 0 : ids.get(ids.size() - 1);
    return read(
            "/v1/jobs/%s/events?progress=true&after=%d".formatted(follow.jobId(), after),
            new EventLines() {
              @Override
              void event(String id, String type, String data) {
                if (!id.isEmpty()) {
                  JsonNode event = parse(data);
                  ids.add(Long.parseLong(id));
                  long time = Instant.parse(event.path("time").asText()).toEpochMilli();
                  if (time > follow.sinceMillis()) { // older ones did not wait for this reader
                    latency.add((System.currentTimeMillis() - time) * 1_000_000);
                  }
                  if (type.equals("state") && JobFollower.ended(event.at("/data/to").asText())) {
                    follow.ended().set(true);
                  }
                }
              }
            })
        .thenCompose(
            end ->
                follow.ended().get()
                    ? CompletableFuture.<Void>completedFuture(null)
                    : read(follow));
  }

  /** One more reader of all that changes. */
  void page() {
    Map<String, String> states = new ConcurrentHashMap<>();
    pages.add(states);
    pageEnds.add(readChanges(states));
  }

  /** Again and again, as the web page does. */
  private CompletableFuture<Void> readChanges(Map<String, String> states) {
    return read(
            "/v1/changes",
            new EventLines() {
              @Override
              void event(String id, String type, String data) {
                if (type.equals("job")) {
                  JsonNode job = parse(data);
                  states.put(job.path("id").asText(), job.path("state").asText());
                }
              }
            })
        .thenCompose(end -> readChanges(states));
  }

  private CompletableFuture<Void> read(String path, EventLines lines) {
    HttpRequest request =
        HttpRequest.newBuilder(server.resolve(path)).header("Accept", "text/event-stream").build();
    return http.sendAsync(request, BodyHandlers.fromLineSubscriber(lines))
        .thenCompose(
            response ->
                response.statusCode() == 200
                    ? lines.done()
                    : CompletableFuture.failedFuture(
                        new IllegalStateException(path + ": status " + response.statusCode())));
  }

  private static JsonNode parse(String data) {
    try {
      return MAPPER.readTree(data);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an event is no JSON: " + data, e);
    }
  }

  /** Events read so far of jobs; for waiting until all readers are there. */
  int begun() {
    return (int) follows.stream().filter(follow -> !follow.ids().isEmpty()).count();
  }

  /**
   * Waits until all have read their jobs to the end, then compares with what is stored.
   *
   * @throws CommandException where one does not end, or failed
   */
  Delivery compare(TandemClient client, Duration patience) throws InterruptedException {
    try {
      CompletableFuture.allOf(ends.toArray(new CompletableFuture<?>[0]))
          .get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new CommandException(ExitCode.FAILED, "a reader of events failed: " + e);
    }
    Map<String, List<Long>> stored = new HashMap<>();
    long events = 0;
    long lost = 0;
    long repeated = 0;
    for (Follow follow : follows) {
      List<Long> told = follow.ids();
      List<Long> expected =
          stored.computeIfAbsent(
              follow.jobId(),
              id -> {
                List<Long> ids = new ArrayList<>();
                client.events(id).path("events").forEach(e -> ids.add(e.path("id").asLong()));
                return ids;
              });
      events += told.size();
      lost += expected.stream().filter(id -> !told.contains(id)).count();
      repeated += told.size() - told.stream().distinct().count();
    }
    return new Delivery(follows.size(), events, lost, repeated, latency);
  }

  /** Jobs that were shown to a reader of all changes, and of which it was never told the end. */
  long endsMissed() {
    return pages.stream()
        .flatMap(states -> states.values().stream())
        .filter(state -> !JobFollower.ended(state))
        .count();
  }

  /** Readers of all changes that were cut off, or never told anything. */
  long pagesCutOff() {
    return IntStream.range(0, pages.size())
        .filter(page -> pageEnds.get(page).isDone() || pages.get(page).isEmpty())
        .count();
  }
}
