package io.tandem.worker.train;

import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The proof that S shards compute what one shard computes, on a user's own job: every model's
 * logits of the first batch, with the losses and the feedback of the first step (output); gradients
 * and batch-norm statistics after it; weights of every model after some steps.
 */
public final class Verify {
  private Verify() {}

  /**
   * The largest difference from one shard; both are infinite where a value is no number or is
   * infinite, of one shard or of many, so that no tolerance lets it pass.
   *
   * @param absolute of any value
   * @param relative of any tensor: its largest difference over its largest value
   */
  public record Difference(double absolute, double relative) {
    static final Difference NONE = new Difference(0, 0);

    Difference max(Difference other) {
      return new Difference(Math.max(absolute, other.absolute), Math.max(relative, other.relative));
    }
  }

  /** One number of shards. */
  public record Row(
      int shards,
      Difference output,
      Difference gradients,
      Difference statistics,
      Difference weights) {
    /** Whether no relative difference exceeds the tolerance, which is finite. */
    public boolean within(double tolerance) {
      return output.relative() <= tolerance
          && gradients.relative() <= tolerance
          && statistics.relative() <= tolerance
          && weights.relative() <= tolerance;
    }
  }

  private record Run(
      List<double[]> output,
      List<double[]> gradients,
      List<double[]> statistics,
      List<double[]> weights) {}

  /**
   * Compares.
   *
   * @param shards the numbers of shards to try
   * @param steps whole steps before the weights are compared, at least 1
   * @param dtype what it computes in
   */
  public static List<Row> run(JobSpec job, int[] shards, int steps, DType dtype) {
    Run one = run(job, 1, steps, dtype);
    List<Row> rows = new ArrayList<>();
    for (int s : shards) {
      Run many = run(job, s, steps, dtype);
      rows.add(
          new Row(
              s,
              difference(one.output(), many.output()),
              difference(one.gradients(), many.gradients()),
              difference(one.statistics(), many.statistics()),
              difference(one.weights(), many.weights())));
    }
    return rows;
  }

  private static Run run(JobSpec job, int shards, int steps, DType dtype) {
    return RankWorld.run(
            job, new Mesh(1, shards), dtype, 1, (trainer, context) -> rank(trainer, context, steps))
        .get(0);
  }

  private static Run rank(RankTrainer trainer, ShardContext context, int steps) {
    List<double[]> output = new ArrayList<>();
    for (Learner learner : trainer.learners()) {
      output.addAll(trainer.peek(batch -> logits(learner, batch)));
    }
    output.add(trainer.advance().values().stream().mapToDouble(Double::doubleValue).toArray());
    List<double[]> gradients = new ArrayList<>();
    List<double[]> statistics = new ArrayList<>();
    for (Learner learner : trainer.learners()) {
      gradients.addAll(whole(context, learner, learner.network().parameters().gradients()));
      learner
          .network()
          .statistics()
          .values()
          .forEach(
              s -> {
                statistics.add(s.mean().clone());
                statistics.add(s.variance().clone());
              });
    }
    for (int i = 1; i < steps; i++) {
      trainer.advance();
    }
    List<double[]> weights = new ArrayList<>();
    for (Learner learner : trainer.learners()) {
      weights.addAll(whole(context, learner, learner.network().parameters().weights()));
    }
    return new Run(output, gradients, statistics, weights);
  }

  /** Of the labelled images and, where the job has them, of the strong views. */
  private static List<double[]> logits(Learner learner, StepBatch batch) {
    return Stream.of(batch.labeled(), batch.strong())
        .filter(Objects::nonNull)
        .map(
            rows ->
                learner
                    .network()
                    .forward(rows.images(), rows.split(), ForwardMode.probe(), false)
                    .logits())
        .toList();
  }

  private static List<double[]> whole(ShardContext context, Learner learner, Tensor flat) {
    Engine engine = context.engine();
    ShardedParameters parameters = learner.network().parameters();
    List<double[]> all = new ArrayList<>();
    for (int i = 0; i < parameters.parameters().size(); i++) {
      try (var scope = engine.openScope()) {
        all.add(engine.download(parameters.whole(flat, i)));
      }
    }
    return all;
  }

  static Difference difference(List<double[]> one, List<double[]> many) {
    Difference worst = Difference.NONE;
    for (int i = 0; i < one.size(); i++) {
      double absolute = 0;
      double largest = 0;
      for (int j = 0; j < one.get(i).length; j++) {
        absolute = Math.max(absolute, Math.abs(one.get(i)[j] - many.get(i)[j]));
        largest = Math.max(largest, Math.abs(one.get(i)[j]));
      }
      worst =
          worst.max(
              Double.isFinite(absolute)
                  ? new Difference(absolute, absolute / Math.max(largest, 1e-6))
                  : new Difference(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY));
    }
    return worst;
  }
}
