package io.tandem.worker.metrics;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinition;
import io.tandem.protocol.metrics.MetricDefinitions;
import io.tandem.worker.collective.Collective;
import io.tandem.worker.collective.CollectiveListener;
import io.tandem.worker.fabric.FabricCounters;
import io.tandem.worker.fabric.Transport;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptRun;
import io.tandem.worker.train.RankTimes;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * A worker's metrics. Thread-safe. The series of jobs that have ended here stay for a few minutes,
 * so that their last values can be read, and then go.
 */
public final class WorkerMetrics {
  private static final int KEPT_JOBS = 16;
  private static final long KEPT_NS = Duration.ofMinutes(5).toNanos();
  private static final int NAMED_PEERS = 64;

  private final Meters meters;
  private final LongSupplier wall;
  private final LongSupplier nanoTime;
  private final Map<String, Integer> running = new HashMap<>();

  /** By job, when its last attempt here ended; the oldest first. */
  private final LinkedHashMap<String, Long> ended = new LinkedHashMap<>();

  /**
   * Feeds these meters.
   *
   * @param wall milliseconds since 1970, the cluster's
   */
  public WorkerMetrics(Meters meters, LongSupplier wall) {
    this(meters, wall, System::nanoTime);
  }

  WorkerMetrics(Meters meters, LongSupplier wall, LongSupplier nanoTime) {
    this.meters = meters;
    this.wall = wall;
    this.nanoTime = nanoTime;
  }

  /** A starter whose attempts are measured. */
  public AttemptRun.Starter around(AttemptRun.Starter starter) {
    return (plan, listener) -> {
      String job = plan.roster().jobId();
      began(job);
      try {
        return starter.start(plan, new Measured(job, listener));
      } catch (RuntimeException e) {
        over(job);
        throw e;
      }
    };
  }

  /** Counts a collective; see {@link CollectiveListener}. */
  void collective(Collective collective, Transport transport, int members, long bytes, long nanos) {
    String[] labels = {collective.label(), transport.label()};
    double seconds = Math.max(1, nanos) / 1e9;
    meters.add(MetricDefinitions.COLLECTIVE_CALLS, 1, labels);
    meters.add(MetricDefinitions.COLLECTIVE_BYTES, bytes, labels);
    meters.add(MetricDefinitions.COLLECTIVE_SECONDS, seconds, labels);
    if (bytes > 0) {
      double factor = collective.busFactor(members);
      meters.set(MetricDefinitions.BUS_BANDWIDTH, bytes / seconds * factor, labels);
    }
  }

  /** Counts what was counted between two looks at an attempt's data plane. */
  private void traffic(FabricCounters now, FabricCounters before) {
    String udp = Transport.UDP.label();
    meters.add(MetricDefinitions.RETRANSMITS, now.retransmits() - before.retransmits(), udp);
    dropped("truncated", now.truncated() - before.truncated());
    dropped("corrupt", now.corrupt() - before.corrupt());
    dropped("foreign", now.foreign() - before.foreign());
    dropped("other-attempt", now.otherAttempt() - before.otherAttempt());
    dropped("unauthentic", now.unauthentic() - before.unauthentic());
    dropped("disordered", now.disordered() - before.disordered());
  }

  private void dropped(String reason, long frames) {
    meters.add(MetricDefinitions.FRAMES_DROPPED, frames, reason);
  }

  /** Counts what was counted of each stream between those looks. */
  private void streams(String job, FabricCounters now, FabricCounters before) {
    for (FabricCounters.Stream stream : now.streams()) {
      long pressed = stream.backPressured();
      long asked = stream.retransmits();
      for (FabricCounters.Stream old : before.streams()) {
        if (old.peer() == stream.peer()) {
          pressed -= old.backPressured();
          asked -= old.retransmits();
        }
      }
      String rank = String.valueOf(stream.rank());
      String peer = String.valueOf(stream.peer());
      String transport = stream.transport().label();
      meters.add(MetricDefinitions.BACK_PRESSURE, pressed, job, rank, peer, transport);
      meters.add(MetricDefinitions.STREAM_RETRANSMITS, asked, job, rank, peer);
    }
  }

  private synchronized void began(String job) {
    running.merge(job, 1, Integer::sum);
    ended.remove(job);
  }

  private synchronized void over(String job) {
    if (running.merge(job, -1, Integer::sum) == 0) {
      running.remove(job);
      ended.put(job, nanoTime.getAsLong());
    }
    tidy();
  }

  /** Removes the series of jobs that ended long ago, or before many others. */
  public synchronized void tidy() {
    long now = nanoTime.getAsLong();
    for (Iterator<Map.Entry<String, Long>> all = ended.entrySet().iterator(); all.hasNext(); ) {
      Map.Entry<String, Long> job = all.next();
      if (ended.size() > KEPT_JOBS || now - job.getValue() > KEPT_NS) {
        meters.forget(MetricDefinitions.JOB_LABEL, job.getKey());
        all.remove();
      }
    }
  }

  private static MetricDefinition definition(String value) {
    var name = value.toLowerCase(Locale.ROOT);
    if (name.contains("loss")) {
      return MetricDefinitions.LOSS;
    }
    if (name.contains("accuracy")) {
      return MetricDefinitions.ACCURACY;
    }
    return name.contains("feedback") || name.contains("baseline")
        ? MetricDefinitions.FEEDBACK
        : MetricDefinitions.TRAINING_VALUE;
  }

  /** Measures, then passes on. Called by one thread at a time. */
  private final class Measured implements AttemptListener {
    private final String job;
    private final AttemptListener next;
    private long lastStep;
    private final Map<Integer, Set<Integer>> namedPeers = new HashMap<>();
    private FabricCounters counted = FabricCounters.NONE;

    Measured(String job, AttemptListener next) {
      this.job = job;
      this.next = next;
    }

    @Override
    public void started(AttemptStarted message) {
      lastStep = message.getStep();
      meters.add(MetricDefinitions.ATTEMPTS_STARTED, 1);
      next.started(message);
    }

    @Override
    public void progress(Progress message) {
      // A later phase may count its steps from 0 again.
      long steps = Math.max(0, message.getStep() - lastStep);
      lastStep = message.getStep();
      meters.set(MetricDefinitions.STEP, message.getStep(), job);
      meters.add(MetricDefinitions.STEPS, steps, job);
      if (message.getStepsPerSecond() > 0) {
        double imagesAStep = message.getImagesPerSecond() / message.getStepsPerSecond();
        meters.add(MetricDefinitions.IMAGES, steps * imagesAStep, job);
      }
      show(message.getValuesMap());
      next.progress(message);
    }

    @Override
    public void evaluated(Evaluated message) {
      show(message.getValuesMap());
      next.evaluated(message);
    }

    @Override
    public void checkpoint(CheckpointCommitted message) {
      meters.add(MetricDefinitions.CHECKPOINTS, 1, job);
      meters.add(MetricDefinitions.CHECKPOINT_SECONDS, message.getSeconds(), job);
      meters.add(MetricDefinitions.CHECKPOINT_BYTES, message.getBytes(), job);
      next.checkpoint(message);
    }

    @Override
    public void notice(Notice message) {
      meters.add(MetricDefinitions.NOTICES, 1, message.getCode());
      next.notice(message);
    }

    @Override
    public void log(LogLines message) {
      next.log(message);
    }

    @Override
    public void times(RankTimes times) {
      String rank = String.valueOf(times.rank());
      if (times.steps() > 0) {
        double now = wall.getAsLong() / 1000.0;
        meters.set(MetricDefinitions.STEP_TIMESTAMP, now, job, rank);
      }
      double busy = Math.max(0, times.stepSeconds() - times.waitSeconds());
      meters.add(MetricDefinitions.RANK_STEPS, times.steps(), job, rank);
      meters.add(MetricDefinitions.STEP_SECONDS, times.stepSeconds(), job, rank);
      meters.add(MetricDefinitions.BUSY_SECONDS, busy, job, rank);
      times
          .phaseSeconds()
          .forEach(
              (phase, seconds) ->
                  meters.add(MetricDefinitions.PHASE_SECONDS, seconds, job, rank, phase));
      times
          .peerSeconds()
          .forEach(
              (peer, seconds) ->
                  meters.add(
                      MetricDefinitions.PEER_WAIT_SECONDS,
                      seconds,
                      job,
                      rank,
                      name(times.rank(), peer)));
      next.times(times);
    }

    /** Of a large mesh only those that a rank waits for first are told apart. */
    private String name(int rank, int peer) {
      Set<Integer> named = namedPeers.computeIfAbsent(rank, r -> new HashSet<>());
      boolean known = named.contains(peer) || (named.size() < NAMED_PEERS && named.add(peer));
      return known ? String.valueOf(peer) : "other";
    }

    @Override
    public void traffic(FabricCounters counters) {
      WorkerMetrics.this.traffic(counters, counted);
      streams(job, counters, counted);
      counted = counters;
      next.traffic(counters);
    }

    @Override
    public CollectiveListener collectives() {
      CollectiveListener passedOn = next.collectives();
      return (collective, transport, members, bytes, nanos) -> {
        collective(collective, transport, members, bytes, nanos);
        passedOn.done(collective, transport, members, bytes, nanos);
      };
    }

    @Override
    public void ended(AttemptEnded message) {
      meters.add(MetricDefinitions.ATTEMPTS_ENDED, 1, message.getOutcome().name());
      over(job);
      next.ended(message);
    }

    private void show(Map<String, Double> values) {
      values.forEach((name, value) -> meters.set(definition(name), value, job, name));
    }
  }
}
