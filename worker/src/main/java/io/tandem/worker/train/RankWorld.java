package io.tandem.worker.train;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.parallel.LocalMesh;
import io.tandem.worker.parallel.PhaseClock;
import io.tandem.worker.parallel.ShardContext;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * All ranks of a mesh in this process, for proofs and measurements of a job; nothing is written.
 */
final class RankWorld {
  private static final Duration DEADLINE = Duration.ofMinutes(30);

  private RankWorld() {}

  /** What each rank does. */
  interface Work<T> {
    T run(RankTrainer trainer, ShardContext context);
  }

  /** Runs the work on every rank and returns their results in the order of ranks. */
  static <T> List<T> run(JobSpec job, Mesh mesh, int threads, Work<T> work) {
    return run(job, mesh, DType.FLOAT32, threads, work);
  }

  /** The same in another number format. */
  static <T> List<T> run(JobSpec job, Mesh mesh, DType dtype, int threads, Work<T> work) {
    TrainingData data =
        TrainingData.open(job.data(), job.seed(), (name, reason, replacement) -> {});
    List<Member> members =
        IntStream.range(0, mesh.size())
            .mapToObj(rank -> new Member(rank, "local", "127.0.0.1", 0, "local"))
            .toList();
    AttemptPlan plan =
        new AttemptPlan(
            new Roster("local", 1, mesh, members),
            "local",
            job,
            List.of(),
            Path.of(System.getProperty("java.io.tmpdir")),
            null,
            "127.0.0.1",
            0,
            threads,
            null);
    AttemptListener silent = new Silent();
    return LocalMesh.run(
        mesh,
        () -> new Nd4jEngine(dtype, threads),
        DEADLINE,
        context -> {
          AttemptLog log = new AttemptLog(plan.roster().jobId(), plan.roster().attempt(), silent);
          int rank = context.world().index();
          // The context's own clock is read by who measures.
          StepMeter meter = new StepMeter(rank, mesh.size(), peer -> 0, new PhaseClock(), silent);
          try (RankTrainer trainer =
              new RankTrainer(
                  context,
                  plan,
                  data,
                  () -> StopMode.STOP_UNSPECIFIED,
                  silent,
                  log,
                  meter,
                  Optional.empty())) {
            return work.run(trainer, context);
          }
        });
  }

  /** Hears nothing: what is asked for is returned instead. */
  private static final class Silent implements AttemptListener {
    @Override
    public void started(AttemptStarted message) {}

    @Override
    public void progress(Progress message) {}

    @Override
    public void evaluated(Evaluated message) {}

    @Override
    public void checkpoint(CheckpointCommitted message) {}

    @Override
    public void log(LogLines message) {}

    @Override
    public void notice(Notice message) {}

    @Override
    public void ended(AttemptEnded message) {}
  }
}
