package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.control.Opinion;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.SampleLimits;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole jobs on generated pictures, all ranks in this process. */
class LocalRanksTest {
  @TempDir static Path pictures;
  @TempDir Path work;

  @BeforeAll
  static void draw() {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, DataSpec.Format.CSV, 2);
  }

  private static JobSpec job(String method, int replicas, int shards, int steps) {
    return LocalJobs.job(pictures, method, replicas, shards, steps);
  }

  private LocalJobs.Memo run(JobSpec job) throws Exception {
    return run(job, List.of());
  }

  private LocalJobs.Memo run(JobSpec job, List<Path> checkpoints) throws Exception {
    return LocalJobs.run(work, job, checkpoints);
  }

  @ParameterizedTest
  @CsvSource({
    "supervised,1,2",
    "pseudo-labels,2,1",
    "uda,1,4",
    "meta-pseudo-labels,2,2",
    "meta-pseudo-labels,1,3"
  })
  void shouldTrainAlikeOnEveryMesh(String method, int replicas, int shards) throws Exception {
    LocalJobs.Memo one = run(job(method, 1, 1, 4));
    LocalJobs.Memo many = run(job(method, replicas, shards, 4));
    assertThat(one.ended.get().getOutcome()).as("%s", one.ended.get()).isEqualTo(Outcome.COMPLETED);
    assertThat(many.ended.get().getOutcome())
        .as("%s", many.ended.get())
        .isEqualTo(Outcome.COMPLETED);
    assertThat(one.progress.getValuesMap()).isNotEmpty();
    one.progress
        .getValuesMap()
        .forEach(
            (name, value) ->
                assertThat(many.progress.getValuesOrThrow(name))
                    .as(name)
                    .isCloseTo(value, within(1e-3 + 1e-3 * Math.abs(value))));
    assertThat(many.evaluated.getValuesOrThrow("accuracy.test")).isBetween(0.0, 1.0);
    checkSamples(many.evaluated.getSamplesList(), method.equals("meta-pseudo-labels"));
    assertThat(one.evaluated.getSamplesCount()).isEqualTo(SampleLimits.MOST);
  }

  private static void checkSamples(List<Sample> samples, boolean hasTeacher) {
    assertThat(samples).isNotEmpty().hasSizeLessThanOrEqualTo(SampleLimits.MOST);
    for (Sample sample : samples) {
      assertThat(sample.hasTeacher()).isEqualTo(hasTeacher);
      assertThat(sample.getLabel()).isBetween(0, 3);
      for (Opinion said : List.of(sample.getStudent(), sample.getTeacher())) {
        assertThat(said.getLabel()).isBetween(0, 3);
        assertThat(said.getProbability()).isBetween(hasTeacher ? 0.25 : 0.0, 1.0);
      }
      assertThat(sample.getImage().size()).isBetween(1, SampleLimits.IMAGE_BYTES);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,2", "1,3"})
  void shouldResumeOnAnyMesh(int replicas, int shards) throws Exception {
    LocalJobs.Memo whole = run(job("meta-pseudo-labels", 1, 1, 6));
    LocalJobs.Memo half = run(job("meta-pseudo-labels", 1, 1, 6), List.of());
    List<Path> checkpoints = Checkpoints.list(work.resolve("checkpoints"));
    Path third =
        checkpoints.stream()
            .filter(p -> p.endsWith(Checkpoints.name(3, 1)))
            .findFirst()
            .orElseThrow();
    LocalJobs.Memo resumed = run(job("meta-pseudo-labels", replicas, shards, 6), List.of(third));
    assertThat(half.checkpoint.getStep()).isEqualTo(8);
    boolean same = replicas * shards == 1;
    whole
        .progress
        .getValuesMap()
        .forEach(
            (name, value) ->
                assertThat(resumed.progress.getValuesOrThrow(name))
                    .as(name)
                    .isCloseTo(value, within(same ? 0 : 1e-3 + 1e-3 * Math.abs(value))));
    assertThat(resumed.evaluated).isEqualTo(same ? whole.evaluated : resumed.evaluated);
    assertThat(Path.of(resumed.ended.get().getModelPath())).isRegularFile();
  }
}
