package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.data.BatchLoader;
import io.tandem.worker.data.BatchPlan;
import io.tandem.worker.data.Needs;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which weights and which statistics the test accuracy is of. */
class EvaluationTest {
  private static final int CLASSES = 4;

  @TempDir static Path pictures;

  /** Of class k, k + 1 test images: their shares tell the classes apart. */
  @BeforeAll
  static void draw() throws IOException {
    new PictureGenerator(5, CLASSES, 6, 30, CLASSES, 32).write(pictures, DataSpec.Format.CSV, 2);
    Path csv = pictures.resolve("labels.csv");
    List<String> kept = new ArrayList<>();
    int[] tests = new int[CLASSES];
    for (String line : Files.readAllLines(csv)) {
      List<String> cells = List.of(line.split(","));
      int k = cells.contains("test") ? Integer.parseInt(cells.get(1)) : 0;
      if (!cells.contains("test") || tests[k]++ <= k) {
        kept.add(line);
      }
    }
    assertThat(kept.get(0)).startsWith("path,label,split");
    Files.write(csv, kept);
  }

  /**
   * Averaged weights that name one class by the classifier's bias, once the running variances are
   * so large that nothing else is left: only then is the accuracy that class's share.
   */
  @ParameterizedTest
  @CsvSource({"1,1", "2,3"})
  void shouldBeOfAveragedWeightsByRunningStatistics(int replicas, int shards) {
    JobSpec job = LocalJobs.job(pictures, "supervised", replicas, shards, 3);
    TrainingData data = TrainingData.open(job.data(), job.seed(), (name, reason, other) -> {});
    Mesh mesh = new Mesh(replicas, shards);
    RankWorld.run(
        job,
        mesh,
        1,
        (trainer, context) -> {
          trainer.advance();
          Learner learner = trainer.learners().get(0);
          learner.network().statistics().values().forEach(s -> Arrays.fill(s.variance(), 1e20));
          BatchPlan plan = data.plan(BatchPlan.Phase.MAIN, 8, 0);
          Needs needs = Needs.of(job.algorithm().name());
          try (BatchLoader loader =
              new BatchLoader(data, plan, needs, mesh, mesh.rank(context.world().index()))) {
            for (int k = 0; k < CLASSES; k++) {
              name(context, learner, learner.average(), k);
              name(context, learner, learner.network().parameters().weights(), (k + 1) % CLASSES);
              double[] before = weights(context, learner);
              Opinions nobody = new Opinions(Set.of());
              int tests = data.testCount();
              assertThat(Evaluation.accuracy(context, job, loader, learner, tests, nobody))
                  .isCloseTo((k + 1) / 10.0, within(1e-12));
              assertThat(weights(context, learner)).isEqualTo(before);
            }
          }
          return null;
        });
  }

  private static double[] weights(ShardContext context, Learner learner) {
    return context.engine().download(learner.network().parameters().weights());
  }

  private static void name(ShardContext context, Learner learner, Tensor flat, int k) {
    ShardedParameters p = learner.network().parameters();
    Engine engine = context.engine();
    for (int i = 0; i < p.parameters().size(); i++) {
      if (p.parameters().get(i).name().equals("head.classifier.bias")) {
        Tensor slice = p.slice(flat, i);
        int part = (int) slice.shape().elements();
        double[] bias = new double[part];
        int at = k - context.shard() * part;
        if (at >= 0 && at < part) {
          bias[at] = 1;
        }
        try (var scope = engine.openScope()) {
          engine.copy(engine.upload(slice.shape(), bias), slice);
        }
      }
    }
  }
}
