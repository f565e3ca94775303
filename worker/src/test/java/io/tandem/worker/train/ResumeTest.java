package io.tandem.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.job.DataSpec.Format;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Checkpoints;
import io.tandem.worker.checkpoint.ShardFile;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.data.TarPictures;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a job leaves when it was stopped on the way, against the same job run through. */
class ResumeTest {
  private static final int MAIN = 4;
  private static final int END = MAIN + 2;

  @TempDir static Path pictures;
  @TempDir static Path shards;
  @TempDir Path through;
  @TempDir Path resumed;

  @BeforeAll
  static void draw() throws IOException {
    new PictureGenerator(5, 4, 6, 30, 5, 32).write(pictures, Format.CSV, 2);
    TarPictures.pack(pictures, shards, 10);
  }

  /** With a moving average, and a checkpoint after every step; tuned in the last two. */
  private static JobSpec job(int replicas, int shards, String tuningRate) {
    return job(Format.CSV, replicas, shards, tuningRate);
  }

  private static JobSpec job(Format format, int replicas, int shards, String tuningRate) {
    Path path = format == Format.TAR ? ResumeTest.shards : pictures;
    JobSpec job = LocalJobs.job(format, path, "meta-pseudo-labels", replicas, shards, MAIN);
    String json =
        new String(JobFiles.toJson(job), StandardCharsets.UTF_8)
            .replace("\"every\":3", "\"every\":1")
            .replace("per-example", "taylor")
            .replace("\"learningRate\":0.01", "\"learningRate\":" + tuningRate);
    assertThat(json).contains("\"every\":1", "taylor", "\"learningRate\":" + tuningRate);
    return JobFiles.parse(json.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  private static Path checkpoint(Path work, long step) {
    return work.resolve("checkpoints").resolve(Checkpoints.name(step, 1));
  }

  private static void run(Path work, JobSpec job, List<Path> from) throws Exception {
    LocalJobs.Memo memo = LocalJobs.run(work, job, from);
    assertThat(memo.ended.get().getOutcome())
        .as("%s", memo.ended.get())
        .isEqualTo(Outcome.COMPLETED);
  }

  /** A step takes 8 of 24 labelled and 10 of 54 images: in the midst of both epochs. */
  @ParameterizedTest
  @CsvSource({"CSV,1,1,2", "CSV,2,2,2", "CSV,1,3,5", "TAR,2,2,2", "TAR,1,3,5"})
  void shouldEndBitForBitAlikeOnTheSameMesh(Format format, int replicas, int shards, int from)
      throws Exception {
    JobSpec job = job(format, replicas, shards, "0.01");
    run(through, job, List.of());
    run(resumed, job, List.of(checkpoint(through, from)));
    assertBitForBitAlike(shards);
    try (CheckpointReader a = CheckpointReader.open(checkpoint(through, END));
        CheckpointReader b = CheckpointReader.open(checkpoint(resumed, END))) {
      var first = a.manifest().facts();
      var second = b.manifest().facts();
      assertThat(second.counters()).isEqualTo(first.counters());
      assertThat(trained(second.scalars())).isEqualTo(trained(first.scalars()));
      assertThat(a.manifest().facts().scalars().get("feedback.baseline")).isNotZero();
    }
  }

  private void assertBitForBitAlike(int shards) throws Exception {
    for (int s = 0; s < shards; s++) {
      String name = ShardFile.name(s, shards);
      assertThat(
              Files.mismatch(
                  checkpoint(through, END).resolve(name), checkpoint(resumed, END).resolve(name)))
          .as(name)
          .isEqualTo(-1);
    }
  }

  /** The same pictures in the same order, and their labels. */
  @Test
  void shouldTrainFromTarShardsAsFromFiles() throws Exception {
    run(through, job(Format.CSV, 1, 2, "0.01"), List.of());
    run(resumed, job(Format.TAR, 1, 2, "0.01"), List.of());
    assertBitForBitAlike(2);
  }

  /** Without the time it took, the one thing that may differ. */
  private static Map<String, Double> trained(Map<String, Double> scalars) {
    Map<String, Double> rest = new TreeMap<>(scalars);
    assertThat(rest.remove("trained.seconds")).isPositive();
    return rest;
  }

  @ParameterizedTest
  @CsvSource({"CSV,2,2,3,1,2", "CSV,1,3,2,2,2", "CSV,2,1,1,4,5", "TAR,2,2,1,3,2"})
  void shouldEndAlikeOnAnotherMesh(
      Format format, int replicas, int shards, int otherReplicas, int otherShards, int from)
      throws Exception {
    run(through, job(format, replicas, shards, "0.01"), List.of());
    run(
        resumed,
        job(format, otherReplicas, otherShards, "0.01"),
        List.of(checkpoint(through, from)));
    Map<String, float[]> expected = tensors(checkpoint(through, END));
    Map<String, float[]> actual = tensors(checkpoint(resumed, END));
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, values) -> {
          float largest = 0;
          float difference = 0;
          for (int i = 0; i < values.length; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
            difference = Math.max(difference, Math.abs(values[i] - actual.get(name)[i]));
          }
          // A kink crossed in one step moves momentum by thousandths.
          assertThat(difference).as(name).isLessThanOrEqualTo(1e-4f + 1e-2f * largest);
        });
  }

  /** At a rate of nothing, what the tuning begins from is what it ends with. */
  @Test
  void shouldTuneTheStudentFromItsAverageAndLeaveTheTeacherAlone() throws Exception {
    run(through, job(1, 2, "1.0E-30"), List.of());
    Map<String, float[]> main = tensors(checkpoint(through, MAIN));
    Map<String, float[]> end = tensors(checkpoint(through, END));
    main.forEach(
        (name, values) -> {
          if (name.startsWith("student.average.") && end.containsKey(weights(name))) {
            assertThat(end.get(weights(name))).as(name).isEqualTo(values);
            assertThat(main.get(weights(name))).as(name).isNotEqualTo(values);
          } else if (name.startsWith("teacher.")) {
            assertThat(end.get(name)).as(name).isEqualTo(values);
          }
        });
  }

  @Test
  void shouldTuneTheStudentAtTheTuningsRate() throws Exception {
    run(through, job(1, 1, "0.01"), List.of());
    Map<String, float[]> main = tensors(checkpoint(through, MAIN));
    Map<String, float[]> first = tensors(checkpoint(through, MAIN + 1));
    first.forEach(
        (name, momentum) -> {
          if (name.startsWith("student.momentum.")) {
            // Without the main phase's momentum, the first Nesterov step is rate (1 + m) g'.
            String parameter = name.substring("student.momentum.".length());
            float[] from = main.get("student.average." + parameter);
            float[] to = first.get("student.weights." + parameter);
            for (int i = 0; i < momentum.length; i++) {
              float expected = from[i] - 0.01f * 1.9f * momentum[i];
              assertThat(to[i]).as(name).isCloseTo(expected, within(1e-6f));
            }
          }
        });
  }

  private static String weights(String average) {
    return average.replace(".average.", ".weights.");
  }

  private static Map<String, float[]> tensors(Path directory) throws Exception {
    Map<String, float[]> all = new TreeMap<>();
    try (CheckpointReader reader = CheckpointReader.open(directory)) {
      for (var tensor : reader.manifest().tensors().entrySet()) {
        FloatBuffer values = FloatBuffer.allocate((int) tensor.getValue().elements());
        reader.readSlice(tensor.getKey(), 0, values.capacity(), values);
        all.put(tensor.getKey(), values.array());
      }
    }
    return all;
  }
}
