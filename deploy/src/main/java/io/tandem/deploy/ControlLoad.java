package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Clients of a coordinator that call it all at once. Of a call that fails nothing is hidden: it is
 * counted, and the first reason is kept.
 */
final class ControlLoad implements AutoCloseable {
  private static final int LARGEST_PAGE = 1000;
  private static final int PAGE = 100;
  private static final byte[] JOB =
      """
      name: load
      mesh: {replicas: 1, shards: 1}
      data: {format: idx, path: /data, imageHeight: 28, imageWidth: 28, channels: 1, classes: 10}
      model: {family: wide-resnet, depth: 10, width: 1}
      algorithm: {name: meta-pseudo-labels}
      training: {steps: 100, labeledBatch: 16, unlabeledBatch: 128}
      """
          .getBytes(StandardCharsets.UTF_8);

  private final TandemClient client;
  private final int clients;
  private final ExecutorService threads;
  private final List<CompletableFuture<String>> ids = new ArrayList<>();
  private final AtomicInteger failed = new AtomicInteger();
  private volatile String firstFailure = "";

  /** {@code jobs} will be submitted, by so many clients. */
  ControlLoad(TandemClient client, int clients, int jobs) {
    this.client = client;
    this.clients = clients;
    this.threads = Executors.newFixedThreadPool(clients + 1);
    for (int i = 0; i < jobs; i++) {
      ids.add(new CompletableFuture<>());
    }
  }

  /** Jobs in the order of their submission, each complete once its id is known. */
  List<CompletableFuture<String>> jobs() {
    return ids;
  }

  /** Calls that were not answered as they should have been. */
  int failed() {
    return failed.get();
  }

  String firstFailure() {
    return firstFailure;
  }

  /** Submits the jobs of that range. */
  Latencies submit(int from, int to) throws InterruptedException {
    return all(to - from, i -> ids.get(from + i).complete(submit()));
  }

  /** Submits a job; its id. */
  String submit() {
    return client.submit(JOB, null).path("id").asText();
  }

  /** Gets so many of the submitted jobs, chosen by a seed. */
  Latencies get(int count) throws InterruptedException {
    int[] chosen = new Random(1).ints(count, 0, ids.size()).toArray();
    return all(count, i -> get(ids.get(chosen[i]).join()));
  }

  private void get(String id) {
    if (!client.job(id).path("id").asText().equals(id)) {
      throw new IllegalStateException("job " + id + " is answered as another one");
    }
  }

  /** Lists so many pages of 100, from anywhere, every other one of the jobs in that state. */
  Latencies list(int count, String state) throws InterruptedException {
    int[] cursors = new Random(2).ints(count, 2, ids.size() + 2).toArray();
    return all(
        count, i -> client.jobs(i % 2 == 0 ? state : null, PAGE, String.valueOf(cursors[i])));
  }

  /** One client that gets and lists by turns, until it is cancelled or the load is closed. */
  Future<?> alternate(Latencies gets, Latencies lists) {
    return threads.submit(
        () -> {
          Random random = new Random(3);
          while (!Thread.currentThread().isInterrupted()) {
            String id = ids.get(random.nextInt(ids.size())).join();
            timed(gets, () -> get(id));
            timed(lists, () -> client.jobs("RUNNING", PAGE, null));
            Thread.sleep(20); // one person's clicks, not a load of its own
          }
          return null;
        });
  }

  private Latencies all(int count, IntConsumer call) throws InterruptedException {
    Latencies latencies = new Latencies();
    AtomicInteger next = new AtomicInteger();
    List<Callable<Void>> work = new ArrayList<>();
    for (int c = 0; c < clients; c++) {
      work.add(
          () -> {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
              int which = i;
              timed(latencies, () -> call.accept(which));
            }
            return null;
          });
    }
    for (Future<Void> client : threads.invokeAll(work)) {
      try {
        client.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
    return latencies;
  }

  private void timed(Latencies latencies, Runnable call) {
    long start = System.nanoTime();
    try {
      call.run();
      latencies.add(System.nanoTime() - start);
    } catch (ClientException | IllegalStateException e) {
      if (Thread.currentThread().isInterrupted()) {
        return; // the load ends, and this call with it
      }
      if (failed.getAndIncrement() == 0) {
        firstFailure = e.getMessage();
      }
    }
  }

  /** The ids of all jobs in that state, or of all where it is null, page by page. */
  Set<String> listed(String state) {
    Set<String> all = new HashSet<>();
    String cursor = null;
    do {
      JsonNode page = client.jobs(state, LARGEST_PAGE, cursor);
      for (JsonNode job : page.path("jobs")) {
        if (!all.add(job.path("id").asText())) {
          throw new IllegalStateException("job " + job.path("id").asText() + " is listed twice");
        }
      }
      cursor = page.path("nextCursor").textValue();
    } while (cursor != null);
    return all;
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
