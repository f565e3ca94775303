package io.tandem.coordinator.jobs;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.store.Effort;
import io.tandem.coordinator.store.Leadership;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoreWriter;
import io.tandem.coordinator.store.StoredJob;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Changes that are stored together and only then become true: the jobs as they will be, what is
 * written, and the commands to carry out afterwards.
 */
final class JobBatch {
  /** A command with the job it is about. */
  record Order(StoredJob job, JobCommand command) {}

  private final JobBook jobs;
  private final Function<String, Optional<StoredJob>> store;
  private final Map<String, Optional<StoredJob>> ended = new HashMap<>();
  private final long now;
  private final Map<String, StoredJob> changed = new LinkedHashMap<>();
  private final List<Consumer<StoreWriter>> writes = new ArrayList<>();
  private final List<Rows.Attempt> attempts = new ArrayList<>();
  private final List<Order> orders = new ArrayList<>();

  /**
   * Over these jobs, which {@link #commit} changes.
   *
   * @param store finds jobs that ended long ago, of which somebody may still speak
   */
  JobBatch(JobBook jobs, Function<String, Optional<StoredJob>> store, long now) {
    this.jobs = jobs;
    this.store = store;
    this.now = now;
  }

  Optional<StoredJob> job(String jobId) {
    StoredJob job = changed.containsKey(jobId) ? changed.get(jobId) : jobs.get(jobId);
    return job != null ? Optional.of(job) : ended.computeIfAbsent(jobId, store);
  }

  void write(Consumer<StoreWriter> write) {
    writes.add(write);
  }

  /** Stores who hosts an attempt that was placed. */
  void attempt(Rows.Attempt attempt) {
    attempts.add(attempt);
    write(w -> w.insert(attempt));
  }

  List<Rows.Attempt> attempts() {
    return attempts;
  }

  /** Replaces what a job's user gave. */
  void header(StoredJob.Header header) {
    job(header.id())
        .ifPresent(
            job -> {
              changed.put(header.id(), job.with(header));
              write(w -> w.update(header));
            });
  }

  /** Stores something that happened. */
  void event(String jobId, int attempt, long time, String type, ObjectNode data) {
    write(w -> w.insert(new Rows.Event(0, jobId, time, attempt, type, data.toString())));
  }

  /** Applies an event of the state machine. */
  void apply(String jobId, JobEvent event) {
    apply(jobId, event, 0);
  }

  /**
   * The same.
   *
   * @param sinceMillis with a failure: how long ago it began
   */
  void apply(String jobId, JobEvent event, long sinceMillis) {
    Optional<StoredJob> found = job(jobId);
    if (found.isEmpty()) {
      return;
    }
    StoredJob job = found.get();
    JobState before = StoredJobs.state(job.status());
    JobState.Transition transition = before.after(event);
    JobState after = transition.state();
    if (!after.equals(before)) {
      StoredJob next = job.with(StoredJobs.row(after, job.status(), now));
      changed.put(jobId, next);
      write(w -> w.update(jobId, next.status()));
      if (after.status() != before.status()) {
        event(jobId, after.attempt(), now, "state", describe(before, after));
        effort(jobId, effort -> Goodput.moved(effort, before.status(), after.status(), now));
      }
    }
    boolean decided =
        after.status() == JobState.Status.RECOVERING || after.status() == JobState.Status.FAILED;
    if (event.isFailure() && before.isUnderWay() && decided) {
      // Whatever a worker's clock shows, it did not begin before the job was placed.
      long most = now - job.effort().placedAt();
      failed(jobId, after, Math.max(0, Math.min(sinceMillis, most)) / 1000.0);
    }
    StoredJob last = changed.getOrDefault(jobId, job);
    transition.commands().forEach(command -> orders.add(new Order(last, command)));
  }

  private void failed(String jobId, JobState after, double detectionSeconds) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.put("reason", after.reason().name());
    data.put("text", after.text());
    data.put("detectionSeconds", detectionSeconds);
    event(jobId, after.attempt(), now, "failure", data);
    boolean over = after.status().isEnd();
    effort(
        jobId,
        effort -> {
          Effort next = Goodput.failed(effort, after.attempt(), detectionSeconds, now);
          return over ? Goodput.closed(next) : next;
        });
  }

  /** That attempt has done a step: the failures before it are recovered from. */
  void stepped(String jobId, int attempt) {
    StoredJob job = job(jobId).orElseThrow();
    for (Effort.Failure failure : Goodput.recovered(job.effort(), attempt)) {
      ObjectNode data = JsonNodeFactory.instance.objectNode();
      data.put("failedAttempt", failure.attempt());
      data.put("recoverySeconds", Goodput.recoverySeconds(failure, now));
      event(jobId, attempt, now, "recovery", data);
    }
    effort(jobId, effort -> Goodput.stepped(effort, attempt, now));
  }

  /** The state that steps of so many seconds led to was committed, or loaded again. */
  void trained(String jobId, double seconds, boolean committed) {
    effort(
        jobId, effort -> Goodput.trained(effort, seconds, committed ? now : effort.committedAt()));
  }

  private void effort(String jobId, UnaryOperator<Effort> change) {
    StoredJob job = job(jobId).orElseThrow();
    Effort next = change.apply(job.effort());
    if (!next.equals(job.effort())) {
      changed.put(jobId, job.with(next));
      write(w -> w.update(jobId, next));
    }
  }

  /** When these changes are made, in milliseconds since 1970. */
  long now() {
    return now;
  }

  private static ObjectNode describe(JobState before, JobState after) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.put("from", before.status().name());
    data.put("to", after.status().name());
    data.put("reason", after.reason().name());
    data.put("text", after.text());
    return data;
  }

  /** Replaces a job's progress. */
  void progress(String jobId, StoredJob.Progress progress) {
    job(jobId)
        .ifPresent(
            job -> {
              changed.put(jobId, job.with(progress));
              write(w -> w.update(jobId, progress));
            });
  }

  /** Stores all, then makes it true; returns the commands to carry out. */
  List<Order> commit(Leadership leadership) {
    if (!writes.isEmpty()) {
      leadership.write(writer -> writes.forEach(write -> write.accept(writer)));
    }
    changed.values().forEach(jobs::put);
    return orders;
  }
}
