package io.tandem.protocol.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JobFilesTest {
  private static final String MINIMAL =
      """
      name: small
      mesh: {replicas: 2, shards: 4}
      data:
        format: idx
        path: /data/small
        imageHeight: 28
        imageWidth: 28
        channels: 1
        classes: 10
      model: {family: wide-resnet}
      algorithm: {name: uda}
      training: {steps: 10, labeledBatch: 8}
      """;

  private static JobSpec parse(String text) {
    return JobFiles.parse(bytes(text));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static List<Mistake> mistakesOf(byte[] body) {
    return catchThrowableOfType(JobFileException.class, () -> JobFiles.parse(body)).mistakes();
  }

  private static List<Mistake> mistakesOf(String text) {
    return mistakesOf(bytes(text));
  }

  @Test
  void shouldFillInDefaults() {
    var job = parse(MINIMAL);
    assertThat(job.seed()).isEqualTo(1);
    assertThat(job.mesh()).isEqualTo(new MeshSpec(2, 4));
    assertThat(job.model())
        .isEqualTo(new ModelSpec(ModelSpec.Family.WIDE_RESNET, 10, 1, 16, 1, 0, 0.99, 4));
    assertThat(job.data().mean()).containsExactly(0.5);
    assertThat(job.algorithm().fineTune().batch()).isEqualTo(8);
    assertThat(job.training().unlabeledBatch()).isEqualTo(32);
    assertThat(job.training().teacher())
        .isEqualTo(new TrainingSpec.OptimizerSpec(0.05, 0, 0, 0.9, true, 5e-4, 0));
    assertThat(job.algorithm().feedback().estimator())
        .isEqualTo(AlgorithmSpec.Estimator.ALL_LABELS);
    assertThat(job.checkpoint()).isEqualTo(new CheckpointSpec(100, 3, ""));
  }

  @Test
  void shouldHaveNoUnlabeledBatchWhenSupervised() {
    assertThat(parse(MINIMAL.replace("uda", "supervised")).training().unlabeledBatch()).isZero();
  }

  @Test
  void shouldReadBackItsCanonicalJson() {
    var job = parse(MINIMAL.replace("/data/small", "'/a/$${b}/$$${c\"\\é'"));
    assertThat(job.data().path()).isEqualTo("/a/${b}/$${c\"\\é");
    var json = JobFiles.toJson(job);
    assertThat(JobFiles.parse(json)).isEqualTo(job);
    assertThat(JobFiles.toJson(JobFiles.parse(json))).isEqualTo(json);
    assertThat(new String(json, StandardCharsets.UTF_8)).contains("\"family\":\"wide-resnet\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpu", "a", "a100-80g", "default"})
  void shouldKeepThePoolThatIsNamed(String pool) {
    var job = parse(MINIMAL + "pool: " + pool + "\n");
    assertThat(job.pool()).isEqualTo(pool);
    assertThat(parse(JobFiles.toYaml(job))).isEqualTo(job);
    assertThat(JobFiles.parse(JobFiles.toJson(job))).isEqualTo(job);
  }

  @ParameterizedTest
  @ValueSource(strings = {"GPU", "4090", "'a b'", "a-", "-a", "a.b", "[gpu]"})
  void shouldRefuseWhatIsNoNameOfAPool(String pool) {
    var text = MINIMAL + "pool: " + pool + "\n";
    assertThat(mistakesOf(text)).extracting(Mistake::path).containsExactly("pool");
    assertThat(mistakesOf(text).get(0).allowed()).contains(PoolName.PATTERN);
    assertThat(JobLines.of(bytes(text)).line("pool")).isEqualTo(13);
    assertThat(mistakesOf(MINIMAL + "pool: " + "a".repeat(64) + "\n")).hasSize(1);
  }

  /** Workers of a release before pools know no such key. */
  @Test
  void shouldSayNothingOfPoolsInTheCanonicalJsonOfAJobThatNamesNone() {
    var job = parse(MINIMAL);
    assertThat(job.pool()).isEmpty();
    assertThat(new String(JobFiles.toJson(job), StandardCharsets.UTF_8)).doesNotContain("pool\"");
    assertThat(parse(MINIMAL + "pool: ''\n")).isEqualTo(job);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/data", "off", "1.5", "0x1F", "~", "a: b", "# x", "é", "/a/$${b}", "-", "1e5"})
  void shouldReadBackItsYaml(String path) {
    var job =
        parse(
            MINIMAL.replace("/data/small", "'" + path + "'").replace("name: small", "name: '1e5'"));
    var yaml = JobFiles.toYaml(job);
    assertThat(parse(yaml)).isEqualTo(job);
    assertThat(yaml).contains("family: wide-resnet").doesNotStartWith("---");
  }

  @Test
  void shouldTellAllMistakesAtOnce() {
    var text =
        MINIMAL
            .replace("name: small", "name: 'two words'\nmessh: {}")
            .replace("classes: 10", "classes: -3\n  chanels: 1")
            .replace("shards: 4", "shards: 100")
            .replace("wide-resnet", "wide-resnet, depth: 12")
            .replace("steps: 10", "steps: many");
    assertThat(mistakesOf(text))
        .extracting(Mistake::path)
        .containsExactlyInAnyOrder(
            "name",
            "messh",
            "data.classes",
            "data.chanels",
            "data.imageWidth",
            "model.depth",
            "training.steps");
  }

  @Test
  void shouldNameEveryOperationThatDoesNotExist() {
    var text =
        MINIMAL.replace(
            "classes: 10", "classes: 10\n  augmentation: {excluded: [spin, rotate, 5]}");
    assertThat(mistakesOf(text))
        .extracting(Mistake::path)
        .containsExactly("data.augmentation.excluded[0]", "data.augmentation.excluded[2]");
    assertThat(mistakesOf(text).get(0).allowed()).contains("auto-contrast, ").contains("rotate, ");
    assertThat(parse(text.replace("spin, rotate, 5", "shear-x")).data().augmentation().excluded())
        .containsExactly(PixelOperation.SHEAR_X);
  }

  @Test
  void shouldSuggestTheNearestKey() {
    assertThat(mistakesOf(MINIMAL + "evalutaion: {every: 5}\n"))
        .singleElement()
        .satisfies(
            mistake -> {
              assertThat(mistake.path()).isEqualTo("evalutaion");
              assertThat(mistake.allowed()).startsWith("did you mean 'evaluation'?");
            });
  }

  @Test
  void shouldNameEveryRequiredKeyOfAnEmptyJob() {
    assertThat(mistakesOf("{}"))
        .extracting(Mistake::path)
        .containsExactly(
            "name",
            "data.format",
            "data.path",
            "data.imageHeight",
            "data.imageWidth",
            "data.channels",
            "data.classes",
            "model.family",
            "training.steps",
            "training.labeledBatch");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "steps: 10           | steps: -1               | training.steps",
        "steps: 10           | steps: 1.5              | training.steps",
        "steps: 10           | steps: 99999999999      | training.steps",
        "steps: 10           | steps: '10'             | training.steps",
        "steps: 10           | steps: [10]             | training.steps",
        "imageWidth: 28      | imageWidth: 0           | data.imageWidth",
        "imageWidth: 28      | imageWidth: 3           | data.imageWidth",
        "imageHeight: 28     | imageHeight: 2          | data.imageHeight",
        "channels: 1         | channels: 2             | data.channels",
        "channels: 1         | channels: 3\\n  mean: x | data.mean",
        "format: idx         | format: tfrecord        | data.format",
        "format: idx         | format: 7               | data.format",
        "path: /data/small   | path: ''                | data.path",
        "path: /data/small   | path: ${DATA}/small     | data.path",
        "path: /data/small   | path: ${DATA            | data.path",
        "shards: 4           | shards: 0               | mesh.shards",
        "shards: 4           | shards: 29              | data.imageWidth",
        "replicas: 2         | replicas: 9             | training.labeledBatch",
        "labeledBatch: 8     | 'labeledBatch: 8, unlabeledBatch: 1' | training.unlabeledBatch",
        "labeledBatch: 8     | 'labeledBatch: 8, ema: 1.0' | training.ema",
        "labeledBatch: 8     | 'labeledBatch: 8, ema: 1e999' | training.ema",
        "labeledBatch: 8     | 'labeledBatch: 8, teacher: {learningRate: 0}' |"
            + " training.teacher.learningRate",
        "labeledBatch: 8     | 'labeledBatch: 8, teacher: {nesterov: 1}' |"
            + " training.teacher.nesterov",
        "labeledBatch: 8     | 'labeledBatch: 8, student: {warmupSteps: 10}' |"
            + " training.student.warmupSteps",
        "name: uda           | 'name: uda, fineTune: {steps: 1, batch: 1}' |"
            + " algorithm.fineTune.batch",
        "name: uda           | 'name: uda, uda: {threshold: 1.1}' | algorithm.uda.threshold",
        "name: uda           | 'name: uda, feedback: {estimator: per_example}' |"
            + " algorithm.feedback.estimator",
        "family: wide-resnet | 'family: wide-resnet, depth: 4' | model.depth",
        "family: wide-resnet | 'family: wide-resnet, stemStride: 8' | data.imageHeight",
        "family: wide-resnet | family: transformer     | model.family",
        "classes: 10         | classes: 10\\n  mean: [0.1, 0.2] | data.mean",
        "classes: 10         | classes: 10\\n  mean: [2] | data.mean[0]",
        "classes: 10         | classes: 10\\n  mean: 0.5 | data.mean",
        "classes: 10         | classes: 10\\n  standardDeviation: [0] | data.standardDeviation[0]",
        "classes: 10         | classes: 10\\n"
            + "  augmentation: {cropPadding: 28} | data.augmentation.cropPadding",
        "classes: 10         | classes: 10\\n"
            + "  augmentation: {cutout: 29} | data.augmentation.cutout",
        "classes: 10         | classes: 10\\n  augmentation: 5 | data.augmentation",
        "classes: 10         | classes: 10\\n"
            + "  augmentation: {excluded: [rotate, rotation]} | data.augmentation.excluded[1]",
      })
  void shouldRefuse(String good, String bad, String path) {
    var text = MINIMAL.replace(good, bad.replace("\\n", "\n"));
    assertThat(text).isNotEqualTo(MINIMAL);
    assertThat(mistakesOf(text))
        .isNotEmpty()
        .anySatisfy(
            mistake -> {
              assertThat(mistake.path()).isEqualTo(path);
              assertThat(mistake.given()).isNotBlank();
              assertThat(mistake.allowed()).isNotBlank();
            });
  }

  @Test
  void shouldReplaceParameters() {
    var text =
        MINIMAL
            .replace("/data/small", "${DATA}/small/${SPLIT:-train}")
            .replace("steps: 10", "steps: '${STEPS:-25}'");
    var job = JobFiles.parse(bytes(text), Map.of("DATA", "/mnt"));
    assertThat(job.data().path()).isEqualTo("/mnt/small/train");
    assertThat(job.training().steps()).isEqualTo(25);
    assertThat(mistakesOf(text))
        .containsExactly(
            new Mistake(
                "data.path",
                "${DATA}/small/${SPLIT:-train}",
                "a value for the parameter DATA, or a default: ${DATA:-...}"));
  }

  @Test
  void shouldSayWhatIsWrongWithTheYamlAndThatAParameterNeedsQuotesThere() {
    assertThat(mistakesOf(MINIMAL.replace("steps: 10", "steps: ${STEPS:-25}")))
        .singleElement()
        .satisfies(
            mistake -> {
              assertThat(mistake.given()).contains("got {").contains("line 12");
              assertThat(mistake.allowed()).contains("needs quotes: \"${NAME}\"");
            });
    assertThat(mistakesOf(MINIMAL + "seed: [1"))
        .singleElement()
        .satisfies(mistake -> assertThat(mistake.allowed()).isEqualTo("well-formed YAML"));
  }

  @Test
  void shouldNotReplaceInsideReplacedValues() {
    var job =
        JobFiles.parse(
            bytes(MINIMAL.replace("/data/small", "${DATA}")), Map.of("DATA", "/${DATA}"));
    assertThat(job.data().path()).isEqualTo("/${DATA}");
    assertThat(JobFiles.parse(JobFiles.toJson(job))).isEqualTo(job);
  }

  @Test
  void shouldRefuseDuplicateKeys() {
    assertThat(mistakesOf(MINIMAL + "name: again\n"))
        .singleElement()
        .satisfies(mistake -> assertThat(mistake.given()).containsIgnoringCase("duplicate"));
    assertThat(mistakesOf("{\"name\":\"a\",\"name\":\"b\"}"))
        .singleElement()
        .satisfies(mistake -> assertThat(mistake.given()).containsIgnoringCase("duplicate"));
  }

  @Test
  void shouldRefuseYamlBombs() {
    var bomb = new StringBuilder("a0: &a0 [x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d, *a%d]\n".formatted(i, i, i - 1, i - 1, i - 1));
    }
    assertThat(mistakesOf(bomb.toString()))
        .containsExactly(
            new Mistake("", "a YAML alias in line 2", "no aliases: write the value out"));
  }

  @ParameterizedTest
  @CsvSource({"[", "{\"a\":"})
  void shouldRefuseDeepNesting(String opening) {
    assertThat(mistakesOf(opening.repeat(100_000))).hasSize(1);
  }

  @Test
  void shouldRefuseLargeBodiesAndGarbageWithOneMistake() {
    var large = new byte[10 << 20];
    new Random(1).nextBytes(large);
    assertThat(mistakesOf(large))
        .containsExactly(new Mistake("", "10485760 bytes", "at most 1048576 bytes"));
    for (int seed = 0; seed < 50; seed++) {
      var garbage = new byte[5000];
      new Random(seed).nextBytes(garbage);
      assertThat(mistakesOf(garbage)).hasSize(1);
      for (int i = 0; i < garbage.length; i++) {
        garbage[i] = (byte) (32 + Math.floorMod(garbage[i], 95));
      }
      assertThat(mistakesOf(garbage)).isNotEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"''", "' '", "---", "5", "text", "'[1, 2]'", "'{} {}'", "'null'", "'{\"a\"'"})
  void shouldRefuseWhatIsNoJobWithOneMistake(String body) {
    assertThat(mistakesOf(body)).hasSize(1);
  }

  @Test
  void shouldRefuseASecondDocument() {
    assertThat(mistakesOf(MINIMAL + "---\n" + MINIMAL)).hasSize(1);
  }

  @Test
  void shouldTellAtMostAHundredMistakes() {
    var text = new StringBuilder(MINIMAL);
    for (int i = 0; i < 50_000; i++) {
      text.append("k").append(i).append(": 1\n");
    }
    var mistakes = mistakesOf(text.toString());
    assertThat(mistakes).hasSize(101);
    assertThat(mistakes.get(100).given()).isEqualTo("49900 more mistakes");
  }

  @Test
  void shouldSurviveTheLossOfAnyByte() {
    var whole = bytes(MINIMAL);
    for (int length = 0; length < whole.length; length++) {
      var cut = java.util.Arrays.copyOf(whole, length);
      try {
        JobFiles.parse(cut);
      } catch (JobFileException e) {
        assertThat(e.mistakes()).isNotEmpty();
      }
    }
  }
}
