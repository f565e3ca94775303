package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole steps of Meta Pseudo Labels in float32, tensor by tensor, on one rank and on many. */
class WholeStepTest {
  /**
   * Of a tensor's largest value. Float32 sums in another order differ by 1e-6; a value at the kink
   * of an activation may fall on its other side, which is worth 1e-3.
   */
  private static final double TOLERANCE = 5e-3;

  @TempDir static Path pictures;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  private static JobSpec job(String model, String estimator) {
    String yaml =
        """
        name: whole
        seed: 3
        data: {format: csv, path: %s, imageHeight: 32, imageWidth: 32, channels: 3, classes: 4}
        model: {%s}
        algorithm:
          name: meta-pseudo-labels
          labelSmoothing: 0.1
          uda: {weight: 2, threshold: 0.3}
          feedback: {estimator: "%s", scale: 50}
        training: {steps: 100, labeledBatch: 7, unlabeledBatch: 9}
        """
            .formatted(pictures, model, estimator);
    return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"taylor", "dot-product", "cosine", "per-example", "all-labels", "flipped", "off"})
  void shouldBeTheSameOnEveryMesh(String estimator) {
    JobSpec job =
        job("family: wide-resnet, stemChannels: 4, stemStride: 2, dropout: 0.2", estimator);
    Map<String, double[]> one = run(job, new Mesh(1, 1));
    // 7 and 9 images: uneven replicas and shards, one of them without labelled images.
    for (Mesh mesh : List.of(new Mesh(2, 4), new Mesh(3, 2))) {
      Map<String, double[]> many = run(job, mesh);
      one.forEach((name, values) -> assertClose(mesh + " " + name, values, many.get(name)));
    }
  }

  static void assertClose(String name, double[] expected, double[] actual) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
      assertThat(actual[i]).as(name).isFinite();
    }
    assertThat(difference).as(name).isLessThanOrEqualTo(TOLERANCE * Math.max(largest, 1e-6));
  }

  /** Losses, then gradients of the first step, then weights after the second. */
  private static Map<String, double[]> run(JobSpec job, Mesh mesh) {
    return RankWorld.run(
            job,
            mesh,
            1,
            (trainer, context) -> {
              Map<String, double[]> all = new LinkedHashMap<>();
              trainer.advance().forEach((name, value) -> all.put(name, new double[] {value}));
              // A mean of numbers of both signs: what is left of it is their rounding.
              all.remove("feedback");
              for (int m = 0; m < 2; m++) {
                ShardedParameters p = trainer.learners().get(m).network().parameters();
                put(all, "gradient " + m, context, p, p.gradients());
              }
              trainer.advance();
              for (int m = 0; m < 2; m++) {
                ShardedParameters p = trainer.learners().get(m).network().parameters();
                put(all, "momentum " + m, context, p, trainer.learners().get(m).velocity());
              }
              return all;
            })
        .get(mesh.size() - 1);
  }

  private static void put(
      Map<String, double[]> all,
      String title,
      ShardContext context,
      ShardedParameters p,
      Tensor t) {
    Engine engine = context.engine();
    for (int i = 0; i < p.parameters().size(); i++) {
      try (var scope = engine.openScope()) {
        all.put(title + " " + p.parameters().get(i).name(), engine.download(p.whole(t, i)));
      }
    }
  }

  /** No batch norm that would spread it: the ranks must agree by themselves. */
  @ParameterizedTest
  @CsvSource({"0,0", "1,3", "0,2", "1,1"})
  void shouldStopEveryRankBeforeAnyOptimizerWhenOneRanksWeightsAreNotFinite(int model, int rank) {
    Mesh mesh = new Mesh(2, 2);
    List<String> ends =
        RankWorld.run(
            job("family: mlp, depth: 1, width: 8", "taylor"),
            mesh,
            1,
            (trainer, context) -> {
              trainer.advance();
              Learner poisoned = trainer.learners().get(model);
              Engine engine = context.engine();
              if (context.world().index() == rank) {
                engine.fill(poisoned.network().parameters().weights(), Double.NaN);
              }
              long before = updates(trainer);
              try {
                trainer.advance();
                return "went on";
              } catch (DivergedException e) {
                assertThat(updates(trainer)).as("updates").isEqualTo(before);
                return e.getMessage();
              }
            });
    assertThat(ends).hasSize(4).containsOnly(ends.get(0));
    assertThat(ends.get(0)).contains("NaN").contains("at step 1");
  }

  private static long updates(RankTrainer trainer) {
    return trainer.learners().stream().mapToLong(Learner::updates).sum();
  }

  /** The teacher's step is a reply to the student's: both models must have taken theirs. */
  @Test
  void shouldUpdateBothModelsOnceAStep() {
    JobSpec job = job("family: mlp, depth: 1, width: 8", "taylor");
    List<Long> updates =
        RankWorld.run(
            job,
            new Mesh(1, 1),
            1,
            (trainer, context) -> {
              trainer.advance();
              trainer.advance();
              return updates(trainer);
            });
    assertThat(updates).containsExactly(4L);
  }
}
