package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.worker.train.Verify;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tandem verify} and {@code tandem bench}, whose JSON other people's scripts read. */
class MeasuringCommandsTest {
  private static final String JOB =
      """
      name: tiny
      data:
        {format: folder, path: %s, imageHeight: 16, imageWidth: 16, channels: 3, classes: 2}
      model: {family: wide-resnet, stemChannels: 4, stemStride: 2, minimumStrip: 1}
      algorithm: {name: meta-pseudo-labels}
      training: {steps: 10, labeledBatch: 2, unlabeledBatch: 3}
      """;
  private static final List<String> COMPARED =
      List.of("output", "gradients", "statistics", "weights");

  @TempDir static Path directory;
  private static Path job;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void draw() throws Exception {
    Path pictures = directory.resolve("pictures");
    int code =
        Main.commandLine((plan, listener) -> null)
            .setOut(new PrintWriter(new StringWriter()))
            .execute(
                "pictures",
                pictures.toString(),
                "--classes=2",
                "--labeled=2",
                "--unlabeled=3",
                "--test=1",
                "--side=32");
    assertThat(code).isZero();
    job = Files.writeString(directory.resolve("job.yaml"), JOB.formatted(pictures));
  }

  /** What goes past the command's own writer would stand in standard output too. */
  private int run(String... arguments) {
    PrintStream before = System.out;
    ByteArrayOutputStream past = new ByteArrayOutputStream();
    System.setOut(new PrintStream(past, true, StandardCharsets.UTF_8));
    try {
      return Main.commandLine((plan, listener) -> null)
          .setOut(new PrintWriter(out))
          .setErr(new PrintWriter(err))
          .execute(arguments);
    } finally {
      System.setOut(before);
      assertThat(past.toString(StandardCharsets.UTF_8)).isEmpty();
    }
  }

  /** The one object, and nothing else. */
  private JsonNode object() throws Exception {
    assertThat(out.toString().strip().lines()).as(err.toString()).hasSize(1);
    assertThat(err.toString()).isEmpty();
    return new ObjectMapper().readTree(out.toString());
  }

  private static List<String> keys(JsonNode node) {
    assertThat(node.isObject()).as("%s", node).isTrue();
    return node.properties().stream().map(Map.Entry::getKey).toList();
  }

  private static void assertNumbers(JsonNode node, String... keys) {
    assertThat(keys(node)).containsExactlyInAnyOrder(keys);
    node.forEach(value -> assertThat(value.isNumber()).as("%s", node).isTrue());
  }

  private static void assertRows(JsonNode object, int... shards) {
    assertThat(keys(object)).containsExactlyInAnyOrder("passed", "shards");
    assertThat(object.path("shards")).hasSize(shards.length);
    for (int i = 0; i < shards.length; i++) {
      JsonNode row = object.path("shards").path(i);
      assertThat(keys(row)).contains("shards").containsAll(COMPARED).hasSize(5);
      assertThat(row.path("shards").intValue()).isEqualTo(shards[i]);
      COMPARED.forEach(what -> assertNumbers(row.path(what), "absolute", "relative"));
    }
  }

  @Test
  void shouldProveThatTwoShardsComputeWhatOneDoes() throws Exception {
    assertThat(run("verify", job.toString(), "--shards", "1,2", "--json")).isZero();
    JsonNode object = object();
    assertRows(object, 1, 2);
    assertThat(object.path("passed").isBoolean()).isTrue();
    assertThat(object.path("passed").booleanValue()).isTrue();
    for (String what : COMPARED) {
      assertThat(object.at("/shards/0/" + what + "/absolute").doubleValue()).isZero();
      assertThat(object.at("/shards/1/" + what + "/relative").doubleValue()).isLessThan(1e-2);
    }
    assertThat(object.at("/shards/1/gradients/absolute").doubleValue()).isPositive();
  }

  @Test
  void shouldFailPastTheTolerance() throws Exception {
    assertThat(run("verify", job.toString(), "--shards", "1,2", "--tolerance", "0", "--json"))
        .isEqualTo(ExitCode.FAILED);
    JsonNode object = object();
    assertRows(object, 1, 2);
    assertThat(object.path("passed").isBoolean()).isTrue();
    assertThat(object.path("passed").booleanValue()).isFalse();
  }

  @Test
  void shouldWriteNullWhereAValueIsNotFinite() {
    double infinite = Double.POSITIVE_INFINITY;
    var none = new Verify.Difference(0, 0);
    var row = new Verify.Row(2, none, new Verify.Difference(infinite, infinite), none, none);
    JsonNode object = VerifyCommand.object(List.of(row), 1e300);
    assertThat(object.path("passed").booleanValue()).isFalse();
    assertThat(object.at("/shards/0/gradients"))
        .hasToString("{\"absolute\":null,\"relative\":null}");
  }

  @Test
  void shouldSayThatTheJobDiverges() throws Exception {
    String wild =
        Files.readString(job)
            .replace("channels: 3,", "channels: 3, standardDeviation: [1e-37, 1e-37, 1e-37],");
    Path file = Files.writeString(directory.resolve("wild.yaml"), wild);
    assertThat(run("verify", file.toString(), "--shards", "2")).isEqualTo(ExitCode.FAILED);
    assertThat(err.toString())
        .startsWith("tandem: ")
        .contains(" at step ", "lower the learning rates")
        .doesNotContain("unexpected");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void shouldTimeSteps() throws Exception {
    assertThat(
            run(
                "bench",
                "step",
                "--model",
                "wide-resnet-10-1",
                "--image=16",
                "--labeled=2",
                "--unlabeled=2",
                "--warmup=0",
                "--steps=1",
                "--json"))
        .isZero();
    JsonNode object = object();
    assertThat(keys(object))
        .containsExactlyInAnyOrder("stepMillis", "imagesPerSecond", "phases", "peakBytes");
    assertNumbers(object.path("stepMillis"), "min", "median", "max");
    assertThat(object.at("/stepMillis/min").doubleValue()).isPositive();
    assertThat(object.path("imagesPerSecond").doubleValue()).isPositive();
    assertNumbers(
        object.path("phases"), "forwardMillis", "backwardMillis", "optimizerMillis", "otherMillis");
    assertNumbers(
        object.path("peakBytes"), "weights", "optimizer", "gathered", "activations", "data");
    assertThat(object.at("/peakBytes/activations").longValue()).isPositive();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          bench step --shards 0         | --shards 0: allowed are 1 to 1024
          bench step --replicas 0       | --replicas 0: allowed are 1 to 1024
          bench step --replicas 65536   | --replicas 65536: allowed are 1 to 1024
          bench step --threads -1       | --threads -1: allowed are 0 to 1024
          bench step --steps 0          | --steps 0: allowed are 1 to 1000000
          bench step --warmup -1        | --warmup -1: allowed are 0 to 1000000
          verify none --shards 0        | --shards 0: allowed are 1 to 1024
          verify none --steps 0         | --steps 0: at least 1
          verify none --tolerance NaN   | --tolerance NaN: allowed are 0 and more, finite
          verify none --tolerance -1    | --tolerance -1.0: allowed are 0 and more, finite
          verify none --tolerance 1e999 | --tolerance Infinity: allowed are 0 and more, finite
          """)
  void shouldSayWhatIsAllowed(String arguments, String said) {
    assertThat(run(arguments.split(" "))).isEqualTo(ExitCode.USAGE);
    assertThat(err.toString()).isEqualToIgnoringNewLines("tandem: " + said + "\n");
    assertThat(out.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--bytes 7  | --bytes 7: allowed are multiples of 4, from 16 for 2 ranks",
        "--bytes 18 | --bytes 18: allowed are multiples of 4, from 16 for 2 ranks",
        "--ranks 1  | --ranks 1: allowed are 2 to 64"
      })
  void shouldRefuseWhatNoCollectiveCanBeMeasuredWith(String option, String answer) {
    String[] words = option.split(" ");
    assertThat(run("bench", "collectives", words[0], words[1])).isEqualTo(2);
    assertThat(err.toString()).contains(answer);
  }
}
