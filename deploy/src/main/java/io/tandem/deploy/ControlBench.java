package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.worker.node.SimulatedWorkers;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * A coordinator's life under load: jobs are queued while readers read, are got and listed, are
 * trained by workers that come all at once, and at last a few more find free slots.
 */
final class ControlBench implements AutoCloseable {
  private static final long POLL_MILLIS = 100;

  /** Web pages look once a second. */
  private static final Duration PAGES = Duration.ofSeconds(20);

  /** How much of it; see the options of {@link BenchControlCommand}. */
  record Size(int jobs, int workers, int readers, int pages, int clients, int calls, int probes) {}

  private final CoordinatorChild coordinator;
  private final Size size;
  private final SimulatedWorkers.Behaviour behaviour;
  private final Duration patience;
  private final Output output;
  private final ControlLoad load;
  private final EventReaders events;
  private final Placing placing = new Placing();
  private final ObjectNode results = JsonNodeFactory.instance.objectNode();

  /** {@code patience} is for each of its phases. */
  ControlBench(
      CoordinatorChild coordinator,
      Size size,
      SimulatedWorkers.Behaviour behaviour,
      Duration patience,
      Output output) {
    this.coordinator = coordinator;
    this.size = size;
    this.behaviour = behaviour;
    this.patience = patience;
    this.output = output;
    this.load = new ControlLoad(coordinator.client(), size.clients(), size.jobs());
    this.events = new EventReaders(coordinator.rest());
  }

  /**
   * Measures and reports.
   *
   * @return whether no request, no job and no event was lost
   */
  boolean run() throws InterruptedException {
    int before = load.listed(null).size();
    if (before > 0) {
      throw new CommandException(
          ExitCode.USAGE,
          "--database: %d jobs are there already; give an empty one, for this alone"
              .formatted(before));
    }
    queue();
    latency("getMillis", "get, all jobs queued", load.get(size.calls()));
    latency("listMillis", "list of 100, all jobs queued", load.list(size.calls(), "QUEUED"));
    try (SimulatedWorkers workers =
        SimulatedWorkers.start(coordinator.control(), behaviour, placing)) {
      train(workers, System.nanoTime());
      probe();
    }
    boolean whole = delivered() & answered();
    output.object(results);
    return whole;
  }

  private void queue() throws InterruptedException {
    int jobs = size.jobs();
    int first = Math.min(jobs, Math.max(1, size.readers() / 2));
    load.submit(0, first);
    checkSubmitted();
    for (int reader = 0; reader < size.readers(); reader++) {
      // As many jobs train at a time as there are workers: the next to read begins about then.
      int step = Math.max(first, size.workers());
      events.follow(
          IntStream.iterate(reader % first, i -> i < jobs, i -> i + step)
              .mapToObj(load.jobs()::get)
              .toList());
    }
    for (int page = 0; page < size.pages(); page++) {
      events.page();
    }
    await("all readers read", () -> events.begun() >= size.readers());
    long start = System.nanoTime();
    Latencies submits = load.submit(first, jobs);
    double seconds = seconds(start);
    checkSubmitted();
    number("submitsPerSecond", "submits a second", (jobs - first) / seconds);
    latency("submitMillis", "submit", submits);
    usage("queued", "with all jobs queued", coordinator.usage());
  }

  private void checkSubmitted() {
    if (load.failed() > 0) {
      throw new CommandException(
          ExitCode.FAILED,
          "%d submits were not answered: %s".formatted(load.failed(), load.firstFailure()));
    }
  }

  private void train(SimulatedWorkers workers, long start) throws InterruptedException {
    double cpuSeconds = coordinator.cpuSeconds();
    int jobs = size.jobs();
    await("every worker has a job", () -> placing.workers() >= Math.min(size.workers(), jobs));
    number("fillSeconds", "seconds until every worker has a job", seconds(start));
    Latencies gets = new Latencies();
    Latencies lists = new Latencies();
    Future<?> person = load.alternate(gets, lists);
    await("every job has trained", () -> workers.ended() >= jobs);
    person.cancel(true);
    number("jobsPerSecond", "jobs trained a second", jobs / seconds(start));
    double processors = (coordinator.cpuSeconds() - cpuSeconds) / seconds(start);
    number("coordinatorProcessors", "processors that the coordinator used", processors);
    latency("placementMillis", "a job ends until the worker is told its next", placing.refills());
    latency("getWhileTrainingMillis", "get, meanwhile", gets);
    latency("listWhileTrainingMillis", "list of 100, meanwhile", lists);
    await("every job has succeeded", () -> load.listed("SUCCEEDED").size() >= jobs);
    usage("trained", "with all jobs trained", coordinator.usage());
  }

  private void probe() throws InterruptedException {
    Latencies latencies = new Latencies();
    for (int i = 0; i < size.probes(); i++) {
      long start = System.nanoTime();
      String id = load.submit();
      try {
        long told = placing.told(id).get(patience.toMillis(), TimeUnit.MILLISECONDS);
        latencies.add(told - start);
      } catch (ExecutionException | TimeoutException e) {
        throw new CommandException(ExitCode.FAILED, "job " + id + " is not placed: " + e);
      }
    }
    latency("submitToPlacedMillis", "submit until a worker with a free slot is told", latencies);
    int all = size.jobs() + size.probes();
    await("every job has succeeded", () -> load.listed("SUCCEEDED").size() >= all);
  }

  private boolean delivered() throws InterruptedException {
    EventReaders.Delivery delivery = events.compare(coordinator.client(), patience);
    latency("deliveryMillis", "an event happens until it is read", delivery.latency());
    count("eventsRead", "events read", delivery.events());
    count("eventsLost", "events lost", delivery.lost());
    count("eventsRepeated", "events read twice", delivery.repeated());
    long deadline = System.nanoTime() + PAGES.toNanos();
    while (events.endsMissed() > 0 && System.nanoTime() < deadline) {
      Thread.sleep(POLL_MILLIS);
    }
    count("endsMissed", "ends of jobs that web pages missed", events.endsMissed());
    count("pagesCutOff", "web pages cut off", events.pagesCutOff());
    return delivery.lost() == 0
        && delivery.repeated() == 0
        && events.endsMissed() == 0
        && events.pagesCutOff() == 0;
  }

  private boolean answered() {
    int listed = load.listed(null).size();
    count("jobsListed", "jobs listed in the end", listed);
    count("callsFailed", "calls failed", load.failed());
    if (load.failed() > 0) {
      output.tell("the first: " + load.firstFailure());
    }
    return load.failed() == 0 && listed == size.jobs() + size.probes();
  }

  private void await(String what, BooleanSupplier reached) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!reached.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new CommandException(
            ExitCode.FAILED,
            "after %d minutes it is not so that %s".formatted(patience.toMinutes(), what));
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private static double seconds(long sinceNanos) {
    return (System.nanoTime() - sinceNanos) / 1e9;
  }

  private void usage(String name, String words, CoordinatorChild.Usage usage) {
    count(name + "HeapBytes", "bytes of heap after a collection, " + words, usage.heapBytes());
    count(name + "ResidentBytes", "bytes resident, " + words, usage.residentBytes());
  }

  private void number(String name, String words, double value) {
    results.put(name, value);
    say(words, String.format(Locale.ROOT, "%.2f", value));
  }

  private void count(String name, String words, long value) {
    results.put(name, value);
    say(words, String.valueOf(value));
  }

  private void latency(String name, String words, Latencies latencies) {
    results.set(name, latencies.json());
    say(words, latencies.toString());
  }

  private void say(String words, String value) {
    output.say(String.format(Locale.ROOT, "%-50s %s", words, value));
  }

  @Override
  public void close() {
    load.close();
  }
}
