package io.tandem.worker.node;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.JobReason;
import io.tandem.worker.train.AttemptPlan;
import io.tandem.worker.train.AttemptRun;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The attempts of one worker: those that run, and those that wait for an older attempt of the same
 * job to end, for its memory and its peers. Not thread-safe: the actor's own.
 */
final class Attempts {
  private static final Logger LOG = LoggerFactory.getLogger(Attempts.class);
  private static final int REMEMBERED = 1024;
  static final long COMPLAIN_SECONDS = 30;
  static final long GIVE_UP_SECONDS = 300;

  /** An attempt under way; {@code started} once its ranks are connected and loaded. */
  private static final class Running {
    final AttemptRun run;
    final List<Integer> ranks;
    final LatestTimes times;
    boolean started;

    /** When it was told to end without saving, by {@link System#nanoTime}; null before. */
    Long ordered;

    boolean complained;

    Running(AttemptRun run, List<Integer> ranks, LatestTimes times) {
      this.run = run;
      this.ranks = ranks;
      this.times = times;
    }
  }

  private final WorkerSettings settings;
  private final String workerId;
  private final AttemptRun.Starter starter;
  private final BiConsumer<AttemptKey, Report.Builder> reports;

  private final Map<AttemptKey, Running> running = new LinkedHashMap<>();
  private final Map<String, StartAttempt> waiting = new LinkedHashMap<>();
  private final Map<AttemptKey, Boolean> seen =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<AttemptKey, Boolean> eldest) {
          return size() > REMEMBERED;
        }
      };
  private boolean draining;

  Attempts(
      WorkerSettings settings,
      String workerId,
      AttemptRun.Starter starter,
      BiConsumer<AttemptKey, Report.Builder> reports) {
    this.settings = settings;
    this.workerId = workerId;
    this.starter = starter;
    this.reports = reports;
  }

  /** Starts an attempt, once; a repeated message changes nothing. */
  void start(StartAttempt message) {
    AttemptKey key = new AttemptKey(message.getJobId(), message.getAttempt());
    if (seen.put(key, true) != null) {
      return;
    }
    List<Integer> ranks = StartAttempts.ranks(message, workerId);
    if (draining) {
      refuse(key, Outcome.STOPPED, JobReason.WORKER_LEFT, "the worker is leaving", ranks);
      return;
    }
    boolean older = false;
    for (Map.Entry<AttemptKey, Running> entry : running.entrySet()) {
      if (entry.getKey().jobId().equals(key.jobId())) {
        tell(entry.getValue(), StopMode.ABANDON);
        older = true;
      }
    }
    StartAttempt replaced = older ? waiting.put(key.jobId(), message) : null;
    if (replaced != null) {
      AttemptKey superseded = new AttemptKey(replaced.getJobId(), replaced.getAttempt());
      refuse(superseded, Outcome.STOPPED, JobReason.NONE, "a later attempt began", List.of());
    }
    if (!older) {
      begin(key, message, ranks);
    }
  }

  private void begin(AttemptKey key, StartAttempt message, List<Integer> ranks) {
    int used = running.values().stream().mapToInt(r -> r.ranks.size()).sum();
    if (ranks.isEmpty() || used + ranks.size() > settings.slots()) {
      refuse(
          key,
          Outcome.FAILED_RETRYABLE,
          JobReason.INTERNAL_ERROR,
          "%d ranks were assigned to worker %s, which has %d slots of which %d are taken"
              .formatted(ranks.size(), workerId, settings.slots(), used),
          ranks);
      return;
    }
    AttemptPlan plan;
    try {
      plan = StartAttempts.plan(message, settings, workerId);
    } catch (RuntimeException e) {
      LOG.error("{} attempt {} cannot be read", key.jobId(), key.attempt(), e);
      refuse(key, Outcome.FAILED_FINAL, JobReason.INVALID_FOR_WORKER, text(e), ranks);
      return;
    }
    try {
      LOG.info("{} attempt {} begins with ranks {}", key.jobId(), key.attempt(), ranks);
      LatestTimes times = new LatestTimes();
      ReportingListener listener = new ReportingListener(key, ranks, times, reports);
      running.put(key, new Running(starter.start(plan, listener), ranks, times));
    } catch (RuntimeException e) {
      LOG.error("{} attempt {} cannot start", key.jobId(), key.attempt(), e);
      refuse(key, Outcome.FAILED_RETRYABLE, JobReason.INTERNAL_ERROR, text(e), ranks);
    }
  }

  /** The attempt's ranks are connected and loaded. */
  void started(AttemptKey key) {
    Running run = running.get(key);
    if (run != null) {
      run.started = true;
    }
  }

  /** The attempt is over; one that waited for it begins. */
  void ended(AttemptKey key) {
    if (running.remove(key) == null) {
      return; // it was refused and never ran
    }
    StartAttempt next = waiting.remove(key.jobId());
    if (next != null) {
      AttemptKey nextKey = new AttemptKey(next.getJobId(), next.getAttempt());
      begin(nextKey, next, StartAttempts.ranks(next, workerId));
    }
  }

  /** Stops one attempt; nothing happens when it is not here. */
  void stop(AttemptKey key, StopMode mode) {
    StartAttempt waits = waiting.get(key.jobId());
    if (waits != null && waits.getAttempt() == key.attempt()) {
      waiting.remove(key.jobId());
      refuse(key, Outcome.STOPPED, JobReason.NONE, "stopped before it began", List.of());
    }
    Running run = running.get(key);
    if (run != null) {
      tell(run, mode);
    }
  }

  /** Stops all attempts; none that waits will begin. */
  void stopAll(StopMode mode) {
    for (StartAttempt waits : List.copyOf(waiting.values())) {
      stop(new AttemptKey(waits.getJobId(), waits.getAttempt()), mode);
    }
    running.values().forEach(r -> tell(r, mode));
  }

  private static void tell(Running run, StopMode mode) {
    boolean saves = mode == StopMode.CHECKPOINT_AND_STOP; // which takes as long as it takes
    if (run.ordered == null && !saves) {
      run.ordered = System.nanoTime();
    }
    run.run.stop(mode);
  }

  /**
   * Looks whether what was told to end does. What hangs, for example on a file system that is gone,
   * is named in the log; in the end only the end of the process gives its slots back.
   *
   * @throws IllegalStateException when an attempt has not ended for too long
   */
  void check(long nanoTime) {
    running.forEach(
        (key, run) -> {
          long seconds = run.ordered == null ? 0 : (nanoTime - run.ordered) / 1_000_000_000;
          String text =
              "%s attempt %d, ranks %s, was told to end %d s ago and has not"
                  .formatted(key.jobId(), key.attempt(), run.ranks, seconds);
          if (seconds >= GIVE_UP_SECONDS) {
            throw new IllegalStateException(text + ": this worker gives up");
          }
          if (seconds >= COMPLAIN_SECONDS && !run.complained) {
            run.complained = true;
            LOG.warn("{}; all threads:\n{}", text, threads());
          }
        });
  }

  private static String threads() {
    StringBuilder all = new StringBuilder();
    Thread.getAllStackTraces()
        .forEach(
            (thread, trace) -> {
              all.append(thread.getName()).append('\n');
              Stream.of(trace).limit(12).forEach(at -> all.append("  ").append(at).append('\n'));
            });
    return all.toString();
  }

  /** No attempt begins from now on, and all save and end. */
  void drain() {
    draining = true;
    stopAll(StopMode.CHECKPOINT_AND_STOP);
  }

  boolean isEmpty() {
    return running.isEmpty();
  }

  NodeState state() {
    if (draining) {
      return NodeState.DRAINING;
    }
    if (running.values().stream().anyMatch(r -> r.started)) {
      return NodeState.TRAINING;
    }
    return running.isEmpty() ? NodeState.IDLE : NodeState.ASSIGNED;
  }

  List<RunningAttempt> running() {
    return running.entrySet().stream()
        .map(
            entry ->
                RunningAttempt.newBuilder()
                    .setJobId(entry.getKey().jobId())
                    .setAttempt(entry.getKey().attempt())
                    .setStep(entry.getValue().run.step())
                    .addAllRanks(entry.getValue().ranks)
                    .addAllTimes(entry.getValue().times.all())
                    .build())
        .toList();
  }

  private void refuse(
      AttemptKey key, Outcome outcome, JobReason reason, String text, List<Integer> ranks) {
    AttemptEnded ended =
        AttemptEnded.newBuilder()
            .setOutcome(outcome)
            .setReason(reason.name())
            .setText(text)
            .addAllRanks(ranks)
            .build();
    reports.accept(key, ReportingListener.report(key).setEnded(ended));
  }

  private static String text(RuntimeException e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
