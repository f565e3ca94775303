package io.tandem.worker.train;

import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.nd4j.Nd4jEngine;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import io.tandem.worker.random.CounterRandom;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A problem so small that all its label vectors can be enumerated, so that expectations are sums
 * and not samples: a perceptron with 5 hidden units, 4 labelled images; float64. Every call of
 * {@link #step} starts from the same weights.
 */
final class TinyProblem implements AutoCloseable {
  private static final int LABELED = 4;

  private final int classes;
  private final int unlabeled;
  private final String student;
  private final Fabric fabric = InProcessFabric.world(1, Duration.ofSeconds(30)).get(0);
  private final Nd4jEngine engine = new Nd4jEngine(DType.FLOAT64, 1);
  private final ShardContext context = ShardContext.of(engine, fabric, new Mesh(1, 1), 0);
  private final List<Learner> learners;
  private final List<double[]> start = new ArrayList<>();

  /**
   * What one step with given labels leaves.
   *
   * @param probability that the teacher draws these labels
   * @param gradient of the teacher
   * @param lossAfter of the student on the labelled images, after its step
   * @param feedback the mean coefficient before a baseline, where one is shared
   * @param baseline the moving average after the step
   */
  record Outcome(
      double probability, double[] gradient, double lossAfter, double feedback, double baseline) {}

  /**
   * @param classes K
   * @param unlabeled how many unlabelled images
   * @param rate the student's learning rate, of plain gradient descent
   */
  TinyProblem(int classes, int unlabeled, double rate) {
    this(classes, unlabeled, "learningRate: " + rate + ", momentum: 0, nesterov: false");
  }

  /**
   * @param student the student's optimizer as it stands in a job file
   */
  TinyProblem(int classes, int unlabeled, String student) {
    this.classes = classes;
    this.unlabeled = unlabeled;
    this.student = student;
    this.learners = Learners.of(context, job("off", 0));
    // Weights of the teacher that are not near a tie, so that labels are unevenly likely.
    engine.scale(learners.get(0).network().parameters().weights(), 1.5);
    for (Learner learner : learners) {
      start.add(engine.download(learner.network().parameters().weights()));
    }
  }

  private JobSpec job(String estimator, double baselineDecay) {
    String yaml =
        """
        name: tiny
        seed: 11
        data: {format: idx, path: none, imageHeight: 1, imageWidth: 4, channels: 1, classes: %d,
          mean: [0.5], standardDeviation: [0.25], augmentation: {cropPadding: 0, cutout: 0}}
        model: {family: mlp, depth: 1, width: 5}
        algorithm:
          name: meta-pseudo-labels
          uda: {weight: 0}
          feedback: {estimator: "%s", baselineDecay: %s}
        training:
          steps: 1000000
          labeledBatch: 4
          unlabeledBatch: %d
          teacher: {learningRate: 1.0e-30, momentum: 0, nesterov: false, weightDecay: 0}
          student: {%s, weightDecay: 0}
        """
            .formatted(classes, estimator, baselineDecay, unlabeled, student);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  /** How many label vectors there are. */
  int vectors() {
    return (int) Math.pow(classes, unlabeled);
  }

  /** How many weights the teacher has. */
  int weights() {
    return start.get(0).length;
  }

  /** One step without a baseline. */
  Outcome step(String estimator, int labels) {
    return step(job(estimator, 0), labels, 0, new double[weights()]);
  }

  /**
   * One step with a moving average that stands at that value, or for an image's estimator its own.
   */
  Outcome step(String estimator, int labels, double baseline) {
    return step(job(estimator, 0.99), labels, baseline, new double[weights()]);
  }

  private Outcome step(JobSpec job, int labels, double baseline, double[] change) {
    try (var scope = engine.openScope()) {
      for (int m = 0; m < 2; m++) {
        ShardedParameters parameters = learners.get(m).network().parameters();
        Shape shape = parameters.weights().shape();
        engine.copy(engine.upload(shape, start.get(m)), parameters.weights());
        engine.fill(learners.get(m).velocity(), 0);
      }
      Tensor teacher = learners.get(0).network().parameters().weights();
      engine.addScaled(teacher, 1, engine.upload(teacher.shape(), change));
      double[] probability = {1};
      var step =
          new MetaPseudoLabelsStep(
              context,
              job,
              job.algorithm().feedback(),
              learners.get(0),
              learners.get(1),
              (p, k, seed, at, samples) -> {
                int[] chosen = new int[unlabeled];
                for (int i = 0; i < unlabeled; i++) {
                  chosen[i] = labels / (int) Math.pow(classes, i) % classes;
                  probability[0] *= p[i * k + chosen[i]];
                }
                return chosen;
              });
      step.feedback().baseline(baseline);
      Rows labeled = rows(LABELED, 1);
      Rows strong = rows(unlabeled, 2);
      int[] truth = {0, 1, classes - 1, 0};
      Map<String, Double> values =
          step.run(new StepBatch(0, labeled, truth, strong, strong, LABELED, unlabeled));
      return new Outcome(
          probability[0],
          engine.download(learners.get(0).network().parameters().gradients()),
          values.getOrDefault("loss.student.labeled", Double.NaN),
          values.getOrDefault("feedback", 0.0),
          step.feedback().baseline());
    }
  }

  private Rows rows(int n, long key) {
    CounterRandom random = CounterRandom.of(CounterRandom.Purpose.PICTURES, key);
    double[] values = random.doubles(n * 4L, -1, 1).toArray();
    return Rows.of(context, engine.upload(Shape.of(n, 1, 4, 1), values), n, new long[n]);
  }

  /**
   * The exact meta-gradient: the derivative, by central differences, of the student's expected
   * labelled loss after its step, along directions in the space of the teacher's weights.
   */
  double exact(double[] direction) {
    double epsilon = 1e-5;
    return (expectedLoss(scaled(direction, epsilon)) - expectedLoss(scaled(direction, -epsilon)))
        / (2 * epsilon);
  }

  private double expectedLoss(double[] change) {
    JobSpec job = job("taylor", 0);
    double loss = 0;
    for (int labels = 0; labels < vectors(); labels++) {
      Outcome outcome = step(job, labels, 0, change);
      loss += outcome.probability() * outcome.lossAfter();
    }
    return loss;
  }

  private static double[] scaled(double[] a, double factor) {
    double[] b = a.clone();
    for (int i = 0; i < b.length; i++) {
      b[i] *= factor;
    }
    return b;
  }

  @Override
  public void close() {
    learners.forEach(Learner::close);
    engine.close();
    fabric.close();
  }
}
