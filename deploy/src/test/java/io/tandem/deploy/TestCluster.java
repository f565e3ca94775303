package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import org.awaitility.Awaitility;

/** A coordinator and workers as processes of their own, spoken to over REST. */
final class TestCluster implements AutoCloseable {
  private static final Set<String> ENDS = Set.of("SUCCEEDED", "FAILED", "CANCELLED");

  /** A worker that has registered. */
  record Worker(String id, TandemProcess process) {}

  private final Path directory;
  private final List<TandemProcess> processes = new ArrayList<>();
  private int restPort;
  private int controlPort;
  private URI server;
  private TandemProcess coordinator;
  private TandemClient client;

  /** Everything that its processes write goes there. */
  TestCluster(Path directory) {
    this.directory = directory;
  }

  /** A small job on generated pictures, as YAML. */
  static String job(Path pictures, int replicas, int shards, int steps) {
    return """
    name: small
    mesh: {replicas: %d, shards: %d}
    data:
      format: folder
      path: %s
      imageHeight: 32
      imageWidth: 32
      channels: 3
      classes: 2
    model: {family: wide-resnet, stemChannels: 8, stemStride: 2}
    algorithm: {name: meta-pseudo-labels}
    training: {steps: %d, labeledBatch: 4, unlabeledBatch: 6}
    checkpoint: {every: 5}
    """
        .formatted(replicas, shards, pictures, steps);
  }

  TandemClient client() {
    return client;
  }

  TandemProcess coordinator() {
    return coordinator;
  }

  String server() {
    return server.toString();
  }

  Path directory() {
    return directory;
  }

  /** The port that workers reach. */
  int controlPort() {
    return controlPort;
  }

  /** All that were started. */
  List<TandemProcess> processes() {
    return List.copyOf(processes);
  }

  /** Runs a command of the command line. */
  TandemProcess tandem(String... arguments) throws Exception {
    return tandem(Map.of(), arguments);
  }

  /** The same with environment variables. */
  TandemProcess tandem(Map<String, String> environment, String... arguments) throws Exception {
    return tandem(List.of(), environment, arguments);
  }

  /** The same by another command, which becomes the process. */
  TandemProcess tandem(List<String> by, Map<String, String> environment, String... arguments)
      throws Exception {
    TandemProcess process = TandemProcess.start(directory, by, environment, arguments);
    processes.add(process);
    return process;
  }

  /** Starts the coordinator, or starts it again on the same ports and store. */
  void startCoordinator() throws Exception {
    startCoordinator(Map.of());
  }

  /** The same with environment variables. */
  void startCoordinator(Map<String, String> environment) throws Exception {
    coordinator =
        tandem(
            environment,
            "coordinator",
            "--store",
            directory.resolve("store").toString(),
            "--rest-port",
            String.valueOf(restPort),
            "--control-port",
            String.valueOf(controlPort));
    Matcher ports =
        coordinator.await("coordinator at http://[^:]+:(\\d+), workers at [^:]+:(\\d+)");
    restPort = Integer.parseInt(ports.group(1));
    controlPort = Integer.parseInt(ports.group(2));
    speakTo(restPort);
  }

  /** Speaks to another coordinator from now on. */
  void speakTo(int port) {
    restPort = port;
    speakTo("127.0.0.1", port, "");
  }

  /** The same, elsewhere and with a token. */
  void speakTo(String host, int port, String token) {
    server = URI.create("http://" + host + ":" + port);
    client = new TandemClient(server, token);
  }

  /** Speaks to the same with that token. */
  void speakAs(String token) {
    client = new TandemClient(server, token);
  }

  /** Waits until a leader answers through the coordinator that is spoken to. */
  Duration awaitLeader() {
    long start = System.nanoTime();
    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .pollInterval(Duration.ofMillis(100))
        .ignoreExceptionsInstanceOf(ClientException.class)
        .until(() -> client.workers().has("workers"));
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** Starts a worker; {@link #registered} waits for it. */
  TandemProcess worker(int slots) throws Exception {
    return worker(slots, "127.0.0.1:" + controlPort);
  }

  /** The same with the addresses of its coordinators. */
  TandemProcess worker(int slots, String coordinators) throws Exception {
    return worker(slots, coordinators, Map.of());
  }

  /** The same with environment variables. */
  TandemProcess worker(int slots, Map<String, String> environment) throws Exception {
    return worker(slots, "127.0.0.1:" + controlPort, environment);
  }

  /** The same with both. */
  TandemProcess worker(int slots, String coordinators, Map<String, String> environment)
      throws Exception {
    Map<String, String> all = new HashMap<>();
    all.put("TANDEM_DIRECTORY", directory.resolve("checkpoints").toString());
    all.putAll(environment);
    return tandem(
        all,
        "worker",
        "--slots",
        String.valueOf(slots),
        "--threads",
        "1",
        "--coordinator",
        coordinators);
  }

  static Worker registered(TandemProcess process) {
    process.await("registered at");
    return new Worker(process.await("worker (\\S+) with").group(1), process);
  }

  String submit(String job) {
    return client.submit(job.getBytes(StandardCharsets.UTF_8), null).path("id").asText();
  }

  /** Waits until the job is as wanted; a job that ended otherwise is not waited for. */
  JsonNode await(String id, String what, Predicate<JsonNode> wanted) {
    JsonNode[] last = new JsonNode[1];
    Awaitility.await()
        .alias(what)
        .atMost(Duration.ofSeconds(150))
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              last[0] = client.job(id);
              boolean met = wanted.test(last[0]);
              if (!met && ENDS.contains(state(last[0]))) {
                throw new AssertionError("waited for " + what + ", but " + last[0]);
              }
              return met;
            });
    return last[0];
  }

  JsonNode awaitState(String id, String state) {
    return await(id, state, job -> state(job).equals(state));
  }

  /** Waits for a checkpoint of that step or a later one. */
  JsonNode awaitCheckpoint(String id, int step) {
    return await(
        id, "a checkpoint of step " + step, job -> job.path("checkpointStep").asInt() >= step);
  }

  static String state(JsonNode job) {
    return job.path("state").asText();
  }

  /** The data of a job's events of one type, in order, with their {@code id} and {@code time}. */
  List<JsonNode> events(String id, String type) {
    List<JsonNode> found = new ArrayList<>();
    for (JsonNode event : client.events(id).path("events")) {
      if (event.path("type").asText().equals(type)) {
        found.add(event);
      }
    }
    return found;
  }

  /** The texts of a job's notices with that code. */
  List<String> notices(String id, String code) {
    return events(id, "notice").stream()
        .map(event -> event.path("data"))
        .filter(data -> data.path("code").asText().equals(code))
        .map(data -> data.path("text").asText())
        .toList();
  }

  /** Where the job's attempts began, in order: the step that was done before. */
  List<Integer> startedAt(String id) {
    return events(id, "started").stream().map(e -> e.path("data").path("step").asInt()).toList();
  }

  @Override
  public void close() throws InterruptedException {
    for (TandemProcess process : processes) {
      process.close();
    }
  }
}
