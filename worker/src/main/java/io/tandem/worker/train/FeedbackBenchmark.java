package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec;
import io.tandem.protocol.job.AlgorithmSpec.Estimator;
import io.tandem.protocol.job.AlgorithmSpec.FeedbackSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.algorithm.Logits;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.util.ArrayList;
import java.util.List;

/**
 * How noisy each estimator of the feedback is on a user's own job: after some steps of training,
 * one step is repeated from the same weights on the same images with newly drawn labels, and the
 * feedback's part of the teacher's gradient is compared with the meta-gradient. The latter is the
 * mean of all-labels, which a test shows to be exact to the first order of the rate, and whose
 * noise stands in its own row.
 */
public final class FeedbackBenchmark {
  private static final List<Estimator> ESTIMATORS =
      List.of(
          Estimator.ALL_LABELS,
          Estimator.PER_EXAMPLE,
          Estimator.TAYLOR,
          Estimator.DOT_PRODUCT,
          Estimator.COSINE);

  private FeedbackBenchmark() {}

  /**
   * One estimator.
   *
   * @param baseline whether one is subtracted: its expectation from a shared coefficient, its own
   *     from an image's
   * @param scale the mean gradient's length along the meta-gradient, over the latter's: 1 unless
   *     biased
   * @param scaleError standard error of that, from so many draws
   * @param variance E|g - E g|^2 / |meta-gradient|^2, of g over its scale for the cosine, which has
   *     none of its own
   */
  public record Row(
      Estimator estimator, boolean baseline, double scale, double scaleError, double variance) {}

  /**
   * Measures.
   *
   * @param job of Meta Pseudo Labels
   * @param after steps of training with the job's own estimator
   * @param draws of labels for each estimator, at least 2
   * @param threads for computing
   */
  public static List<Row> run(JobSpec job, int after, int draws, int threads) {
    if (job.algorithm().name() != AlgorithmSpec.Name.META_PSEUDO_LABELS || draws < 2) {
      throw new IllegalArgumentException(job.algorithm().name() + ", " + draws + " draws");
    }
    return RankWorld.run(
            job,
            new Mesh(1, 1),
            threads,
            (trainer, context) -> {
              for (int i = 0; i < after; i++) {
                trainer.advance();
              }
              return new FeedbackBenchmark.Repeated(context, job, trainer, draws).rows();
            })
        .get(0);
  }

  private static final class Repeated {
    private final ShardContext context;
    private final JobSpec job;
    private final RankTrainer trainer;
    private final int draws;
    private final List<double[]> weights = new ArrayList<>();
    private final List<double[]> velocities = new ArrayList<>();

    private Repeated(ShardContext context, JobSpec job, RankTrainer trainer, int draws) {
      this.context = context;
      this.job = job;
      this.trainer = trainer;
      this.draws = draws;
      for (Learner learner : trainer.learners()) {
        weights.add(context.engine().download(learner.network().parameters().weights()));
        velocities.add(context.engine().download(learner.velocity()));
      }
    }

    private List<Row> rows() {
      return trainer.peek(
          batch -> {
            double[] others = gradient(batch, Estimator.OFF, 0, 0, 0).value();
            double[] exact = null;
            List<Row> rows = new ArrayList<>();
            for (Estimator estimator : ESTIMATORS) {
              double mean = 0;
              for (int withBaseline = 0; withBaseline < 2; withBaseline++) {
                if (estimator == Estimator.ALL_LABELS && withBaseline == 0) {
                  continue;
                }
                double[][] gradients = new double[draws][];
                double feedback = 0;
                for (int draw = 0; draw < draws; draw++) {
                  Gradient g = gradient(batch, estimator, withBaseline == 0 ? 0 : 0.99, mean, draw);
                  gradients[draw] = sum(g.value(), -1, others);
                  feedback += g.feedback() / draws;
                }
                if (exact == null) {
                  exact = mean(gradients);
                }
                rows.add(row(estimator, withBaseline == 1, gradients, exact));
                mean = feedback;
              }
            }
            return rows;
          });
    }

    private record Gradient(double[] value, double feedback) {}

    private Gradient gradient(
        StepBatch batch, Estimator estimator, double decay, double baseline, int draw) {
      Engine engine = context.engine();
      try (var scope = engine.openScope()) {
        for (int m = 0; m < 2; m++) {
          Learner learner = trainer.learners().get(m);
          ShardedParameters parameters = learner.network().parameters();
          var shape = parameters.weights().shape();
          engine.copy(engine.upload(shape, weights.get(m)), parameters.weights());
          engine.copy(engine.upload(shape, velocities.get(m)), learner.velocity());
        }
        MetaPseudoLabelsStep step =
            new MetaPseudoLabelsStep(
                context,
                job,
                new FeedbackSpec(estimator, 1, decay),
                trainer.learners().get(0),
                trainer.learners().get(1),
                (p, k, seed, at, samples) -> Logits.sample(p, k, seed + 1 + draw, at, samples));
        step.feedback().baseline(baseline);
        double feedback = step.run(batch).getOrDefault("feedback", 0.0);
        return new Gradient(
            engine.download(trainer.learners().get(0).network().parameters().gradients()),
            feedback);
      }
    }

    private Row row(Estimator estimator, boolean baseline, double[][] gradients, double[] exact) {
      double[] mean = mean(gradients);
      double square = dot(exact, exact);
      double scale = dot(mean, exact) / square;
      double variance = 0;
      double along = 0;
      for (double[] g : gradients) {
        double[] deviation = sum(g, -1, mean);
        variance += dot(deviation, deviation) / (draws - 1);
        along += Math.pow(dot(deviation, exact) / square, 2) / (draws - 1);
      }
      double unit = estimator == Estimator.COSINE ? scale * scale : 1;
      return new Row(
          estimator, baseline, scale, Math.sqrt(along / draws), variance / square / unit);
    }

    private static double[] mean(double[][] gradients) {
      double[] mean = new double[gradients[0].length];
      for (double[] g : gradients) {
        mean = sum(mean, 1.0 / gradients.length, g);
      }
      return mean;
    }

    private static double[] sum(double[] a, double factor, double[] b) {
      double[] c = a.clone();
      for (int i = 0; i < c.length; i++) {
        c[i] += factor * b[i];
      }
      return c;
    }

    private static double dot(double[] a, double[] b) {
      double sum = 0;
      for (int i = 0; i < a.length; i++) {
        sum += a[i] * b[i];
      }
      return sum;
    }
  }
}
