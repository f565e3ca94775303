package io.tandem.worker.train;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.JobReason;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.data.DataException;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.FabricSettings;
import io.tandem.worker.fabric.Fabrics;
import io.tandem.worker.fabric.PeerLostException;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.storage.StoreException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ranks of one attempt on this worker: a thread each. The first failure ends them all, whatever
 * it is: a rank that is gone is never waited for.
 */
public final class LocalRanks implements AttemptRun {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRanks.class);

  /** How often the data plane's counters are told. */
  private static final long TRAFFIC_MILLIS = 1000;

  private final AttemptPlan plan;
  private final SerialListener listener;
  private final AttemptLog log;
  private final AtomicReference<StopMode> stop = new AtomicReference<>(StopMode.STOP_UNSPECIFIED);
  private final AtomicReference<Failure> failure = new AtomicReference<>();
  private final List<Integer> ranks;
  private final AtomicInteger ready = new AtomicInteger();
  private final AtomicInteger broken = new AtomicInteger();
  private volatile List<Fabric> fabrics = List.of();
  private volatile boolean connecting;
  private volatile RankTrainer first;
  private volatile String modelPath = "";
  private volatile Outcome outcome = Outcome.COMPLETED;

  /** Why the attempt ends here, and since when something was wrong, by the steady clock. */
  private record Failure(Outcome outcome, JobReason reason, String text, long sinceNanos) {
    AttemptEnded.Builder ended() {
      long since = Duration.ofNanos(System.nanoTime() - sinceNanos).toMillis();
      return AttemptEnded.newBuilder()
          .setOutcome(outcome)
          .setReason(reason.name())
          .setText(text)
          .setSinceMillis(since);
    }
  }

  private LocalRanks(AttemptPlan plan, AttemptListener listener) {
    this.plan = plan;
    this.listener = new SerialListener(listener);
    this.log = new AttemptLog(plan.roster().jobId(), plan.roster().attempt(), this.listener);
    this.ranks =
        plan.roster().members().stream()
            .filter(member -> member.workerId().equals(plan.workerId()))
            .map(Member::rank)
            .toList();
    if (ranks.isEmpty()) {
      throw new IllegalArgumentException(
          "worker " + plan.workerId() + " has no rank in attempt " + plan.roster().attempt());
    }
  }

  /** Starts the local ranks of this plan. */
  public static AttemptRun start(AttemptPlan plan, AttemptListener listener) {
    LocalRanks run = new LocalRanks(plan, listener);
    Thread thread =
        new Thread(run::run, "tandem-" + plan.roster().jobId() + "-" + plan.roster().attempt());
    thread.setDaemon(true);
    thread.start();
    return run;
  }

  /** While peers are waited for nothing is there to be saved, and no step comes to its end. */
  @Override
  public void stop(StopMode mode) {
    stop.set(mode);
    if (mode == StopMode.ABANDON || connecting) {
      fail(Outcome.STOPPED, JobReason.NONE, "the coordinator ended the attempt");
    }
  }

  @Override
  public long step() {
    RankTrainer trainer = first;
    return trainer == null ? 0 : trainer.step();
  }

  private void run() {
    Mesh mesh = plan.roster().mesh();
    log.info(
        "worker %s begins with ranks %s of the mesh %d x %d"
            .formatted(plan.workerId(), ranks, mesh.replicas(), mesh.shards()));
    connecting = true;
    try (Fabrics opened =
        Fabrics.open(
            plan.roster(), plan.workerId(), fabricSettings(), () -> failure.get() != null)) {
      fabrics = opened.ranks();
      connecting = false;
      Failure early = failure.get();
      if (early != null) {
        abort(early.text()); // whoever failed before saw no fabric to abort
      }
      train(opened);
      listener.traffic(opened.counters());
    } catch (RuntimeException | Error e) {
      failed("worker " + plan.workerId(), e);
    }
    end();
  }

  /** Returns when no rank's thread is left. */
  private void train(Fabrics opened) {
    Optional<CheckpointReader> start = Optional.empty();
    try {
      start = StartingPoint.open(plan, listener, ranks.contains(0));
      train(opened, start);
    } catch (CheckpointException e) {
      failed("worker " + plan.workerId(), new UncheckedIOException(e));
    } finally {
      start.ifPresent(this::close);
    }
  }

  private void close(CheckpointReader reader) {
    try {
      reader.close();
    } catch (CheckpointException e) {
      log.warn("a checkpoint that was read", e); // what it held was read and is in use
    }
  }

  private void train(Fabrics opened, Optional<CheckpointReader> start) {
    List<Thread> threads = new ArrayList<>();
    try {
      TrainingData data =
          TrainingData.open(plan.job().data(), plan.job().seed(), this::brokenImage);
      for (int i = 0; i < ranks.size(); i++) {
        int rank = ranks.get(i);
        Fabric fabric = opened.ranks().get(i);
        Thread thread = new Thread(() -> rank(rank, fabric, data, start), "tandem-rank-" + rank);
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
      }
    } catch (RuntimeException | Error e) {
      failed("worker " + plan.workerId(), e); // the ranks that run already end by this
    }
    for (Thread thread : threads) {
      join(thread, opened);
    }
  }

  /** Whatever is thrown meanwhile, it returns when the thread has ended, and no sooner. */
  private void join(Thread thread, Fabrics opened) {
    while (thread.isAlive()) {
      try {
        thread.join(TRAFFIC_MILLIS);
        listener.traffic(opened.counters());
      } catch (InterruptedException e) {
        fail(Outcome.FAILED_RETRYABLE, JobReason.WORKER_LEFT, "the worker is going away");
      } catch (RuntimeException | Error e) {
        failed("worker " + plan.workerId(), e);
      }
    }
  }

  private FabricSettings fabricSettings() {
    FabricSettings settings =
        FabricSettings.of(plan.bindHost(), plan.dataPort())
            .withAeronDirectory(plan.aeronDirectory())
            .withFrameKey(plan.frameKey());
    Duration silence =
        Duration.ofMillis((long) (1000 * plan.job().recovery().peerTimeoutSeconds()));
    return settings.withTimeouts(settings.connectTimeout(), silence, settings.timeout());
  }

  private void rank(int rank, Fabric fabric, TrainingData data, Optional<CheckpointReader> start) {
    boolean finished = false;
    try (Nd4jEngine engine = new Nd4jEngine(DType.FLOAT32, plan.threads())) {
      ShardContext context =
          ShardContext.of(engine, fabric, plan.roster().mesh(), rank, listener.collectives());
      try (RankTrainer trainer =
          new RankTrainer(
              context, plan, data, stop::get, listener, log, meter(context, fabric), start)) {
        train(rank, context, trainer);
      }
      finished = true;
    } catch (CheckpointException e) {
      failed("rank " + rank, new UncheckedIOException(e));
    } catch (RuntimeException | Error e) {
      failed("rank " + rank, e);
    } finally {
      if (!finished) {
        fail(Outcome.FAILED_RETRYABLE, JobReason.INTERNAL_ERROR, "rank " + rank + " is gone");
      }
      fabric.close();
    }
  }

  private StepMeter meter(ShardContext context, Fabric fabric) {
    return new StepMeter(
        fabric.rank(), fabric.size(), fabric::waitedNs, context.phases(), listener);
  }

  private void train(int rank, ShardContext context, RankTrainer trainer)
      throws CheckpointException {
    if (rank == ranks.get(0)) {
      first = trainer;
    }
    context.world().barrier();
    if (ready.incrementAndGet() == ranks.size()) {
      log.info("all ranks are connected; step " + trainer.step() + " is done");
      listener.started(
          AttemptStarted.newBuilder()
              .addAllRanks(ranks)
              .setStep(trainer.step())
              .setTrainedSeconds(trainer.trainedSeconds())
              .build());
    }
    RankTrainer.End end = trainer.run();
    outcome = end.outcome();
    if (rank == 0 && end.outcome() == Outcome.COMPLETED) {
      modelPath = trainer.export().toString();
    }
  }

  private void failed(String who, Throwable e) {
    if (failure.get() == null) {
      log.warn(who + " failed", e);
    } else {
      LOG.debug("{} failed after another", who, e);
    }
    if (e instanceof PeerLostException lost) {
      long since = System.nanoTime() - lost.waitedNs();
      fail(Outcome.LOST_PEER, JobReason.LOST_PEER, e.getMessage(), since);
    } else if (e instanceof DivergedException) {
      fail(Outcome.FAILED_FINAL, JobReason.DIVERGED, e.getMessage());
    } else if (e instanceof DataException) {
      Outcome how = StoreException.temporary(e) ? Outcome.FAILED_RETRYABLE : Outcome.FAILED_FINAL;
      fail(how, JobReason.DATA_ERROR, e.getMessage());
    } else if (e instanceof UncheckedIOException io
        && io.getCause() instanceof CheckpointException checkpoint) {
      fail(Outcome.FAILED_RETRYABLE, JobReason.CHECKPOINT_ERROR, checkpoint.getMessage());
    } else if (e instanceof OutOfMemoryError) {
      fail(Outcome.FAILED_RETRYABLE, JobReason.OUT_OF_MEMORY, who + ": " + e);
    } else {
      fail(Outcome.FAILED_RETRYABLE, JobReason.INTERNAL_ERROR, who + ": " + e);
    }
  }

  private void fail(Outcome how, JobReason reason, String text) {
    fail(how, reason, text, System.nanoTime());
  }

  private void fail(Outcome how, JobReason reason, String text, long sinceNanos) {
    if (failure.compareAndSet(null, new Failure(how, reason, text, sinceNanos))) {
      abort(text);
    }
  }

  private void abort(String text) {
    fabrics.forEach(fabric -> fabric.abort(text));
  }

  private void brokenImage(String name, String reason, String taken) {
    String text =
        "%s: %s; %s was taken instead (broken images met by this worker: %d)"
            .formatted(name, reason, taken, broken.incrementAndGet());
    listener.notice(
        Notice.newBuilder().setLevel("warning").setCode("BROKEN_IMAGE").setText(text).build());
  }

  private void end() {
    Failure failed = failure.get();
    AttemptEnded.Builder ended =
        failed != null
            ? failed.ended()
            : AttemptEnded.newBuilder()
                .setOutcome(outcome)
                .setReason(
                    (outcome == Outcome.COMPLETED ? JobReason.COMPLETED : JobReason.NONE).name());
    log.info(
        "ended after step %d: %s %s"
            .formatted(step(), ended.getOutcome(), ended.getText())
            .strip());
    listener.ended(ended.setStep(step()).setModelPath(modelPath).addAllRanks(ranks).build());
  }
}
