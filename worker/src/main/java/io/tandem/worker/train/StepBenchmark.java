package io.tandem.worker.train;

import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.parallel.LocalMesh;
import io.tandem.worker.parallel.PhaseClock.Phase;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.random.CounterRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Times whole Meta Pseudo Labels steps on random images, all ranks in this process. */
public final class StepBenchmark {
  private static final Duration DEADLINE = Duration.ofMinutes(60);

  private StepBenchmark() {}

  /**
   * What was measured, of rank 0.
   *
   * @param stepMillis of each counted step, sorted
   * @param phaseMillis of the mean counted step
   * @param peakBytes by use, the largest of any rank
   */
  public record Result(
      double[] stepMillis, Map<Phase, Double> phaseMillis, Map<MemoryKind, Long> peakBytes) {
    /** The middle one. */
    public double medianMillis() {
      return stepMillis[stepMillis.length / 2];
    }
  }

  /**
   * Runs.
   *
   * @param job its mesh, model, batches and algorithm; its data's files are not looked at
   * @param threads compute threads a rank
   * @param warmup steps that do not count
   * @param steps steps that do, at least 1
   */
  public static Result run(JobSpec job, int threads, int warmup, int steps) {
    Mesh mesh = new Mesh(job.mesh().replicas(), job.mesh().shards());
    List<Result> results =
        LocalMesh.run(
            mesh,
            () -> new Nd4jEngine(DType.FLOAT32, threads),
            DEADLINE,
            context -> rank(job, mesh, context, warmup, steps));
    Map<MemoryKind, Long> peaks = new EnumMap<>(MemoryKind.class);
    for (Result result : results) {
      result.peakBytes().forEach((kind, bytes) -> peaks.merge(kind, bytes, Math::max));
    }
    return new Result(results.get(0).stepMillis(), results.get(0).phaseMillis(), peaks);
  }

  private static Result rank(JobSpec job, Mesh mesh, ShardContext context, int warmup, int steps) {
    Engine engine = context.engine();
    List<Learner> learners = Learners.of(context, job);
    TrainingStep step =
        learners.size() == 2
            ? new MetaPseudoLabelsStep(context, job, learners.get(0), learners.get(1))
            : SupervisedStep.main(context, job, learners.get(0));
    double[] millis = new double[steps];
    for (int i = -warmup; i < steps; i++) {
      if (i == 0) {
        engine.resetPeaks();
        context.phases().drainSeconds();
      }
      context.world().barrier();
      long began = System.nanoTime();
      try (var scope = engine.openScope()) {
        step.run(batch(context, job, mesh.rank(context.world().index()), i + warmup));
      }
      context.world().barrier();
      if (i >= 0) {
        millis[i] = (System.nanoTime() - began) / 1e6;
      }
    }
    Map<Phase, Double> phases = new EnumMap<>(Phase.class);
    context.phases().drainSeconds().forEach((p, s) -> phases.put(p, 1000 * s / steps));
    Map<MemoryKind, Long> peaks = new EnumMap<>(MemoryKind.class);
    for (MemoryKind kind : MemoryKind.values()) {
      peaks.put(kind, engine.peakBytes(kind));
    }
    learners.forEach(Learner::close);
    Arrays.sort(millis);
    return new Result(millis, phases, peaks);
  }

  private static StepBatch batch(ShardContext context, JobSpec job, Rank rank, int step) {
    int labeled = job.training().labeledBatch();
    int unlabeled = job.training().unlabeledBatch();
    Split replicas = Split.even(labeled, context.replicas().size());
    int[] labels = new int[replicas.length(rank.replica())];
    Arrays.setAll(labels, i -> i % job.data().classes());
    int rows = Split.even(unlabeled, context.replicas().size()).length(rank.replica());
    Rows weak = rows(context, job, rows, step);
    return new StepBatch(
        step,
        rows(context, job, labels.length, step),
        labels,
        weak,
        rows(context, job, rows, step),
        labeled,
        unlabeled);
  }

  private static Rows rows(ShardContext context, JobSpec job, int total, int step) {
    int own = Split.even(total, context.shards().size()).length(context.shard());
    Shape shape =
        Shape.of(own, job.data().imageHeight(), job.data().imageWidth(), job.data().channels());
    float[] pixels = new float[(int) shape.elements()];
    CounterRandom random =
        CounterRandom.of(CounterRandom.Purpose.PICTURES, step, context.world().index());
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = random.nextFloat() - 0.5f;
    }
    Tensor images =
        own == 0 ? context.engine().zeros(shape) : context.engine().upload(shape, pixels);
    return Rows.of(context, images, total, new long[total]);
  }
}
