package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A job of a {@link FaultCluster}, and what a failure costs it. */
final class FaultJob {
  private static final Set<String> ENDS = Set.of("SUCCEEDED", "FAILED", "CANCELLED");
  static final Duration PATIENCE = Duration.ofSeconds(150);

  private final FaultCluster cluster;
  private final String id;
  private final List<Instant> strikes = new ArrayList<>();

  /** How the job stood before something happened. */
  record Mark(
      Instant time, long event, int attempt, int committed, double trained, double placed) {}

  private FaultJob(FaultCluster cluster, String id) {
    this.cluster = cluster;
    this.id = id;
  }

  static FaultJob submit(FaultCluster cluster, int steps) {
    return new FaultJob(cluster, cluster.submit(cluster.job(steps)));
  }

  JsonNode look() {
    return cluster.clients().ask(client -> client.job(id));
  }

  int attempt() {
    return look().path("attempt").asInt();
  }

  int committed() {
    return look().path("checkpointStep").asInt();
  }

  Mark mark() {
    JsonNode job = look();
    List<JsonNode> events = events(0);
    return new Mark(
        Instant.now(),
        events.get(events.size() - 1).path("id").asLong(),
        job.path("attempt").asInt(),
        job.path("checkpointStep").asInt(),
        job.path("trainedSeconds").asDouble(),
        job.path("placedSeconds").asDouble());
  }

  private List<JsonNode> events(long after) {
    List<JsonNode> all = new ArrayList<>();
    cluster.clients().ask(client -> client.events(id, after)).path("events").forEach(all::add);
    return all;
  }

  private List<JsonNode> events(long after, String type) {
    return events(after).stream().filter(e -> e.path("type").asText().equals(type)).toList();
  }

  /** The texts of notices with that code since then. */
  List<String> notices(Mark since, String code) {
    return events(since.event(), "notice").stream()
        .map(event -> event.path("data"))
        .filter(data -> data.path("code").asText().equals(code))
        .map(data -> data.path("text").asText())
        .toList();
  }

  /** A job that ended otherwise, or is not as wanted in time, is told with all that happened. */
  JsonNode await(String what, Duration atMost, Predicate<JsonNode> wanted) {
    JsonNode[] last = new JsonNode[1];
    try {
      Awaitility.await(what)
          .atMost(atMost)
          .pollInterval(Duration.ofMillis(100))
          .until(() -> meets(last, wanted));
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "no %s within %s: %s%n%s".formatted(what, atMost, last[0], events(0)), e);
    }
    return last[0];
  }

  private boolean meets(JsonNode[] last, Predicate<JsonNode> wanted) {
    try {
      last[0] = look();
      boolean met = wanted.test(last[0]);
      assertThat(met || !ENDS.contains(TestCluster.state(last[0]))).as(last[0]::toString).isTrue();
      return met;
    } catch (ClientException e) {
      return false; // nobody leads, or nobody can be reached, for now
    }
  }

  void awaitCommit(int step) {
    await("commit of step " + step, PATIENCE, j -> j.path("checkpointStep").asInt() >= step);
  }

  /** Waits until steps are committed that the job had not done by now. */
  void awaitNews() {
    JsonNode job = look();
    awaitCommit(Math.max(job.path("step").asInt(), job.path("checkpointStep").asInt()) + 10);
  }

  /** Waits until the job trains again after every failure that is known by now. */
  void awaitRecovery(Mark since) {
    await(
        "recovery",
        PATIENCE,
        job ->
            TestCluster.state(job).equals("RUNNING")
                && job.path("attempt").asInt() > since.attempt()
                && events(0, "failure").size() == events(0, "recovery").size());
  }

  void awaitEnd(String state) {
    await(state, PATIENCE, job -> TestCluster.state(job).equals(state));
  }

  void act(String verb) {
    cluster.clients().ask(client -> client.act(id, verb));
  }

  void cancel() {
    act("cancel");
    awaitEnd("CANCELLED");
  }

  Trajectory trajectory() {
    return cluster.clients().ask(client -> Trajectory.of(client, id));
  }

  /** Something is done to the cluster now. */
  void strike() {
    strikes.add(Instant.now());
  }

  /** Tells a table what was done since then, and what it cost. */
  void tell(FaultTable table, String kind, Mark since) {
    tell(table, kind, recoveries(since), since);
  }

  /** The same of what did not end an attempt, and was over after so many seconds. */
  void tell(FaultTable table, String kind, List<Double> recoveries, Mark since) {
    JsonNode job = look();
    table.add(
        kind,
        (int) strikes.stream().filter(strike -> !strike.isBefore(since.time())).count(),
        detections(since),
        recoveries,
        job.path("checkpointStep").asInt() - since.committed(),
        job.path("trainedSeconds").asDouble() - since.trained(),
        job.path("placedSeconds").asDouble() - since.placed());
  }

  /** Seconds from the last thing that was done before a failure was decided to that decision. */
  private List<Double> detections(Mark since) {
    return events(since.event(), "failure").stream()
        .map(event -> Instant.parse(event.path("time").asText()))
        .map(
            decided ->
                strikes.stream()
                    .filter(strike -> !strike.isAfter(decided))
                    .map(strike -> Duration.between(strike, decided).toMillis() / 1000.0)
                    .min(Double::compare)
                    .orElseThrow())
        .toList();
  }

  private List<Double> recoveries(Mark since) {
    return events(since.event(), "recovery").stream()
        .map(event -> event.path("data").path("recoverySeconds").asDouble())
        .toList();
  }

  /**
   * Every attempt went on from the newest checkpoint that was known when it was placed, or from a
   * later one.
   */
  void assertNoCommitIsLost() {
    int known = 0;
    int placedAt = 0;
    for (JsonNode event : events(0)) {
      JsonNode data = event.path("data");
      switch (event.path("type").asText()) {
        case "checkpoint" -> known = Math.max(known, data.path("step").asInt());
        case "state" -> placedAt = data.path("to").asText().equals("PLACING") ? known : placedAt;
        case "started" ->
            assertThat(data.path("step").asInt())
                .as(event::toString)
                .isGreaterThanOrEqualTo(placedAt);
        default -> {
          // tells of no step
        }
      }
    }
    assertThat(committed()).isGreaterThanOrEqualTo(known);
  }
}
