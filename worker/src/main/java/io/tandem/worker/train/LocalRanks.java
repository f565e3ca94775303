package io.tandem.worker.train;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.collective.Communicator;
import io.tandem.worker.collective.FabricCommunicator;
import io.tandem.worker.data.DataException;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.FabricSettings;
import io.tandem.worker.fabric.Fabrics;
import io.tandem.worker.fabric.PeerLostException;
import io.tandem.worker.parallel.PhaseClock;
import io.tandem.worker.parallel.ShardContext;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ranks of one attempt on this worker: a thread each. The first failure ends them all. */
public final class LocalRanks implements AttemptRun {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRanks.class);

  private final AttemptPlan plan;
  private final SerialListener listener;
  private final AtomicReference<StopMode> stop = new AtomicReference<>(StopMode.STOP_UNSPECIFIED);
  private final AtomicReference<AttemptEnded> failure = new AtomicReference<>();
  private final int[] ranks;
  private final AtomicInteger ready = new AtomicInteger();
  private volatile List<Fabric> fabrics = List.of();
  private volatile RankTrainer first;
  private volatile String modelPath = "";
  private volatile Outcome outcome = Outcome.COMPLETED;

  private LocalRanks(AttemptPlan plan, AttemptListener listener) {
    this.plan = plan;
    this.listener = new SerialListener(listener);
    this.ranks =
        plan.roster().members().stream()
            .filter(member -> member.workerId().equals(plan.workerId()))
            .mapToInt(Member::rank)
            .toArray();
    if (ranks.length == 0) {
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

  @Override
  public void stop(StopMode mode) {
    stop.set(mode);
    if (mode == StopMode.ABANDON) {
      fail(Outcome.STOPPED, "ABANDONED", "the coordinator ended the attempt");
    }
  }

  @Override
  public long step() {
    RankTrainer trainer = first;
    return trainer == null ? 0 : trainer.step();
  }

  private void run() {
    List<Thread> threads = new ArrayList<>();
    try (Fabrics opened = Fabrics.open(plan.roster(), plan.workerId(), fabricSettings())) {
      fabrics = opened.ranks();
      TrainingData data =
          TrainingData.open(
              plan.job().data(),
              plan.job().seed(),
              (name, reason, taken) ->
                  notice(
                      "warning",
                      "BROKEN_IMAGE",
                      name + ": " + reason + "; " + taken + " was taken instead"));
      for (int i = 0; i < ranks.length; i++) {
        int rank = ranks[i];
        Fabric fabric = fabrics.get(i);
        Thread thread = new Thread(() -> rank(rank, fabric, data), "tandem-rank-" + rank);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail(Outcome.FAILED_RETRYABLE, "INTERRUPTED", "the worker is going away");
    } catch (RuntimeException e) {
      failed(-1, e);
    }
    end();
  }

  private FabricSettings fabricSettings() {
    FabricSettings settings =
        FabricSettings.of(plan.bindHost(), plan.dataPort())
            .withAeronDirectory(plan.aeronDirectory());
    Duration silence =
        Duration.ofMillis((long) (1000 * plan.job().recovery().peerTimeoutSeconds()));
    return settings.withTimeouts(settings.connectTimeout(), silence, settings.timeout());
  }

  private void rank(int rank, Fabric fabric, TrainingData data) {
    Mesh mesh = plan.roster().mesh();
    try (Nd4jEngine engine = new Nd4jEngine(DType.FLOAT32, plan.threads())) {
      ShardContext context = context(engine, fabric, mesh, rank);
      try (RankTrainer trainer = new RankTrainer(context, plan, data, stop::get, listener, rank)) {
        if (rank == ranks[0]) {
          first = trainer;
        }
        context.world().barrier();
        if (ready.incrementAndGet() == ranks.length) {
          listener.started(
              AttemptStarted.newBuilder()
                  .addAllRanks(IntStream.of(ranks).boxed().toList())
                  .setStep(trainer.step())
                  .build());
        }
        RankTrainer.End end = trainer.run();
        outcome = end.outcome();
        if (rank == 0 && end.outcome() == Outcome.COMPLETED) {
          Path model = trainer.export();
          modelPath = model == null ? "" : model.toString();
        }
      }
    } catch (CheckpointException e) {
      notice("error", "EXPORT_FAILED", "the model was not exported: " + e.getMessage());
    } catch (RuntimeException | Error e) {
      failed(rank, e);
    }
  }

  /** The engine and communicators of one rank. */
  static ShardContext context(
      io.tandem.worker.engine.Engine engine, Fabric fabric, Mesh mesh, int index) {
    Rank rank = mesh.rank(index);
    int[] all = IntStream.range(0, mesh.size()).toArray();
    Communicator shards = new FabricCommunicator(fabric, mesh.group(rank.replica()), 0);
    Communicator replicas =
        new FabricCommunicator(fabric, mesh.twins(rank.shard()), FabricCommunicator.TAGS);
    Communicator world = new FabricCommunicator(fabric, all, 2 * FabricCommunicator.TAGS);
    return new ShardContext(engine, shards, replicas, world, new PhaseClock());
  }

  private void failed(int rank, Throwable e) {
    if (failure.get() == null) {
      LOG.warn("rank {} of {} failed", rank, plan.roster().jobId(), e);
    }
    if (e instanceof PeerLostException) {
      fail(Outcome.LOST_PEER, "PEER_LOST", e.getMessage());
    } else if (e instanceof DivergedException) {
      fail(Outcome.FAILED_FINAL, "DIVERGED", e.getMessage());
    } else if (e instanceof DataException) {
      fail(Outcome.FAILED_FINAL, "DATA_ERROR", e.getMessage());
    } else {
      fail(Outcome.FAILED_RETRYABLE, "WORKER_ERROR", "rank " + rank + ": " + e);
    }
  }

  private void fail(Outcome how, String reason, String text) {
    AttemptEnded ended =
        AttemptEnded.newBuilder().setOutcome(how).setReason(reason).setText(text).build();
    if (failure.compareAndSet(null, ended)) {
      fabrics.forEach(fabric -> fabric.abort(text));
    }
  }

  private void notice(String level, String code, String text) {
    listener.notice(Notice.newBuilder().setLevel(level).setCode(code).setText(text).build());
  }

  private void end() {
    AttemptEnded.Builder ended =
        failure.get() != null
            ? failure.get().toBuilder()
            : AttemptEnded.newBuilder()
                .setOutcome(outcome)
                .setReason(outcome == Outcome.COMPLETED ? "COMPLETED" : stop.get().name());
    listener.ended(
        ended
            .setStep(step())
            .setModelPath(modelPath)
            .addAllRanks(IntStream.of(ranks).boxed().toList())
            .build());
  }
}
