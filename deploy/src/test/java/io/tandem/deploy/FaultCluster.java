package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/**
 * Four hosts, {@code a} to {@code d}, each with a worker of two slots, and on {@code a} and {@code
 * b} a coordinator; PostgreSQL is on this host, checkpoints on a small file system of their own. It
 * does a supervisor's work: what has ended is started again.
 */
final class FaultCluster implements AutoCloseable {
  static final List<String> HOSTS = List.of("a", "b", "c", "d");
  static final List<String> COORDINATORS = List.of("a", "b");
  private static final String TOKEN = "token-of-the-test";
  private static final String STORE_SIZE = "512m";
  private static final Duration WHOLE = Duration.ofSeconds(120);
  private static final Duration CLEARED = Duration.ofSeconds(30);

  private final Path store;
  private final Path pictures;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final TestHosts hosts;
  private final TestDatabase database;
  private final TestCluster processes;
  private final FaultClients clients;
  private final Map<Post, TandemProcess> posts = new LinkedHashMap<>();
  private final Set<Long> started = new TreeSet<>();
  private final List<String> submitted = new ArrayList<>();
  private String large;

  /** All of it runs when this returns. */
  FaultCluster(Path directory) throws Exception {
    store = Files.createDirectories(directory.resolve("checkpoints"));
    pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    try {
      TestHosts.run(
          List.of(
              "mount", "-t", "tmpfs", "-o", "size=" + STORE_SIZE, "tandem-it", store.toString()));
      open.add(this::unmount);
      hosts = new TestHosts(HOSTS);
      open.add(hosts);
      database = TestDatabase.start(directory.resolve("data"), hosts.gateway(), hosts.network());
      open.add(database);
      processes = new TestCluster(directory);
      open.add(processes);
      clients = new FaultClients(hosts, TOKEN);
      for (String host : COORDINATORS) {
        start(Post.coordinator(host));
      }
      for (String host : HOSTS) {
        start(Post.worker(host));
      }
      awaitWhole();
      large = submit(job(4, 4, 5));
    } catch (Exception | AssertionError e) {
      closeAfter(e);
      throw e;
    }
  }

  private void closeAfter(Throwable e) {
    try {
      close();
    } catch (Exception again) {
      e.addSuppressed(again);
    }
  }

  /** Why there can be none here, or nothing. */
  static String missing() throws InterruptedException {
    String missing = TestHosts.missing();
    if (!missing.isEmpty()) {
      return missing;
    }
    try (TestHosts trial = new TestHosts(List.of("z"))) {
      trial.lose("z", 0.5);
      return "";
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  /** Over eight ranks, of which each host has two. */
  String job(int steps) {
    return job(2, 4, steps);
  }

  private String job(int replicas, int shards, int steps) {
    return TestCluster.job(pictures, replicas, shards, steps)
        .replace("labeledBatch: 4", "labeledBatch: 8")
        .replace("unlabeledBatch: 6", "unlabeledBatch: 8")
        .replace("every: 5", "every: 5, keep: 1000");
  }

  String submit(String job) {
    byte[] body = job.getBytes(StandardCharsets.UTF_8);
    String id = clients.ask(client -> client.submit(body, null)).path("id").asText();
    submitted.add(id);
    return id;
  }

  TestHosts hosts() {
    return hosts;
  }

  /** The coordinators as a user sees them. */
  FaultClients clients() {
    return clients;
  }

  private String peers() {
    return COORDINATORS.stream()
        .map(host -> hosts.address(host) + ":25520")
        .collect(Collectors.joining(","));
  }

  /** Starts what has ended or was never there. */
  TandemProcess start(Post post) throws Exception {
    TandemProcess process = post.isWorker() ? worker(post.host()) : coordinator(post.host());
    posts.put(post, process);
    started.add(process.pid());
    return process;
  }

  private TandemProcess coordinator(String host) throws Exception {
    Map<String, String> environment = new HashMap<>(database.environment(hosts.gateway()));
    environment.put("TANDEM_TOKEN", TOKEN);
    environment.put("TANDEM_PEERS", peers());
    environment.put("TANDEM_HOST", hosts.address(host));
    environment.put("TANDEM_REST_HOST", hosts.address(host));
    return processes.tandem(hosts.on(host), environment, "coordinator");
  }

  private TandemProcess worker(String host) throws Exception {
    Map<String, String> environment =
        Map.of(
            "TANDEM_COORDINATOR",
            peers(),
            "TANDEM_HOST",
            hosts.address(host),
            "TANDEM_DIRECTORY",
            store.toString());
    // The hosts share this one's cores; on one of its own a coordinator need not wait for workers.
    List<String> by = new ArrayList<>(hosts.on(host));
    by.addAll(List.of("nice", "-n", "10"));
    return processes.tandem(by, environment, "worker", "--slots", "2", "--threads", "1");
  }

  TandemProcess at(Post post) {
    return posts.get(post);
  }

  /** Waits until every process runs, and every coordinator knows every worker and no other. */
  void awaitWhole() throws Exception {
    for (Map.Entry<Post, TandemProcess> entry : List.copyOf(posts.entrySet())) {
      if (!entry.getValue().isAlive()) {
        start(entry.getKey());
      }
    }
    Set<String> ids = new TreeSet<>();
    for (Map.Entry<Post, TandemProcess> entry : posts.entrySet()) {
      if (entry.getKey().isWorker()) {
        ids.add(entry.getValue().await("worker (\\S+) with").group(1));
      }
    }
    clients.awaitWorkers(ids, WHOLE);
  }

  /** Leaves no room where checkpoints go; the file is to be deleted. */
  Path fillStore() throws IOException {
    Path filler = store.resolve("filler");
    byte[] block = new byte[1 << 16];
    try (OutputStream out = Files.newOutputStream(filler)) {
      while (true) {
        out.write(block);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
    return filler;
  }

  /** Cancels what a case that failed has left. */
  void cancelWhatRuns() {
    for (String id : submitted) {
      if (List.of("PLACING", "RUNNING", "RECOVERING").contains(state(id))) {
        clients.ask(client -> client.act(id, "cancel"));
        Awaitility.await(id + " cancelled")
            .atMost(WHOLE)
            .until(() -> state(id).equals("CANCELLED"));
      }
    }
  }

  /** No job is lost, nothing runs that should not, and the dead hold no shared memory. */
  void assertLeavesNothing() throws Exception {
    assertThat(submitted).allSatisfy(id -> assertThat(state(id)).isNotEqualTo("FAILED"));
    assertThat(state(large)).isEqualTo("QUEUED");
    for (String host : HOSTS) {
      Set<Long> wanted =
          posts.entrySet().stream()
              .filter(entry -> entry.getKey().host().equals(host))
              .map(entry -> entry.getValue().pid())
              .collect(Collectors.toSet());
      assertThat(hosts.processes(host)).as("processes on " + host).isEqualTo(wanted);
    }
    Set<Long> dead = new TreeSet<>(started);
    posts.values().forEach(process -> dead.remove(process.pid()));
    SharedMemory.awaitNoneOf(dead, CLEARED);
  }

  private String state(String id) {
    return TestCluster.state(clients.ask(client -> client.job(id)));
  }

  /** Takes a worker away in an orderly way. */
  void retire(Post post) throws Exception {
    TandemProcess process = posts.remove(post);
    process.terminate();
    assertThat(process.exitCode()).as(process::said).isZero();
  }

  /** Ends every process as a supervisor would; none is left, and nothing of theirs. */
  void leave() throws Exception {
    for (Post post : List.copyOf(posts.keySet())) {
      if (post.isWorker()) {
        retire(post);
      }
    }
    for (TandemProcess coordinator : posts.values()) {
      coordinator.terminate();
      coordinator.exitCode();
    }
    for (String host : HOSTS) {
      assertThat(hosts.processes(host)).as("processes on " + host).isEmpty();
    }
    SharedMemory.awaitNoneOf(started, CLEARED);
  }

  private void unmount() {
    Awaitility.await("that nothing uses " + store)
        .atMost(CLEARED)
        .ignoreExceptionsInstanceOf(IOException.class)
        .until(() -> TestHosts.run(List.of("umount", store.toString())).isEmpty());
  }

  /** The processes first, then the hosts that they are on. */
  @Override
  public void close() throws Exception {
    Exception first = null;
    for (int i = open.size() - 1; i >= 0; i--) {
      try {
        open.get(i).close();
      } catch (Exception e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    open.clear();
    if (first != null) {
      throw first;
    }
  }
}
