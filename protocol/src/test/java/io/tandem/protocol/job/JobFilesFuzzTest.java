package io.tandem.protocol.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is handed in as a job file is read or refused, soon and in little memory. */
class JobFilesFuzzTest {
  private static final long LITTLE = 64L << 20;

  /** What a file of the largest size may cost. */
  private static final long MUCH = 1L << 30;

  private static final String YAML =
      """
      name: flowers-1
      seed: 7
      mesh: {replicas: 2, shards: "${SHARDS:-4}"}
      data:
        format: folder
        path: "/data/${USER}/x"
        imageHeight: 512
        imageWidth: 512
        channels: 3
        classes: 5
        mean: [0.5, 0.4, 0.3]
        augmentation: {excluded: [rotate, shear-x], magnitude: 5.5}
      model: {family: wide-resnet, depth: 28}   # a comment
      algorithm:
        feedback: {estimator: off}
        uda: {temperature: 0.7}
      training:
        steps: 1_000
        labeledBatch: 0x10
        teacher: {learningRate: 1e-3, nesterov: true}
      """;

  private static final Map<String, String> PARAMETERS = Map.of("USER", "me");

  private static final Hostile FILES =
      Hostile.of(
          List.of(YAML, json(), json(), YAML.replace("\n", "\r\n")),
          "${",
          "$${A:-",
          "$",
          "&a ",
          "*a",
          "!!java.net.URL ",
          "? ",
          "- ",
          "|\n",
          ">-\n",
          "---\n",
          "...\n",
          "%YAML 1.1\n",
          "<<: ",
          "\t",
          "\uFEFF",
          "\u0000",
          "\\ud800",
          "\uD83D\uDE00",
          "1e999999999",
          "-.inf",
          ".nan",
          "0x_",
          "0b",
          "0o7",
          "1:20:30",
          "+",
          "-",
          "190:20:30.15",
          "99999999999999999999999999",
          "null",
          "~",
          "[[[[[[[[[[[[[[[[[",
          "{\"a\":{\"a\":{\"a\":",
          "\"name\": ");

  private static String json() {
    byte[] text = YAML.getBytes(UTF_8);
    return new String(JobFiles.toJson(JobFiles.parse(text, PARAMETERS)), UTF_8);
  }

  @Provide
  Arbitrary<byte[]> files() {
    return FILES.inputs();
  }

  @Fuzz
  void shouldReadOrRefuseAnyJobFile(@ForAll("files") byte[] file) {
    Bounded.run(LITTLE, () -> readOrRefuse(file));
  }

  /** Of what is read, the canonical form is read again as the same job. */
  private static void readOrRefuse(byte[] file) {
    JobSpec job;
    try {
      job = JobFiles.parse(file, PARAMETERS);
    } catch (JobFileException e) {
      assertThat(e.mistakes()).isNotEmpty();
      return;
    }
    assertThat(JobFiles.parse(JobFiles.toJson(job))).isEqualTo(job);
  }

  static Map<String, String> large() {
    int most = JobFiles.MAXIMUM_BYTES;
    String path = "name: a\ndata: {path: \"";
    Map<String, String> files = new LinkedHashMap<>();
    files.put("dollars", path + "$".repeat(most - 100) + "${A:-b}\"}");
    files.put("dollars that nothing follows", path + "$".repeat(most - 100) + "\"}");
    files.put("dollars before a reference", path + "$".repeat(most - 100) + "x${A:-b}\"}");
    files.put("dollars in JSON", "{\"name\":\"" + "$".repeat(most - 100) + "x${A:-b}\"}");
    String some = "\"" + "$".repeat(4000) + "x${A:-b}\",";
    files.put("dollars in a list", "{\"data\":{\"mean\":[" + some.repeat(250) + "1]}}");
    String ends = "\"" + "$${A:-".repeat(680) + "\",";
    files.put("references in a list", "{\"data\":{\"mean\":[" + ends.repeat(250) + "1]}}");
    files.put("literal references that do not end", path + "$${A:-".repeat(most / 6 - 50) + "\"}");
    files.put("references that do not end", path + "${A:-".repeat(most / 5 - 50) + "\"}");
    files.put("a long digit string", "seed: " + "9".repeat(most - 10));
    files.put("a long digit string in JSON", "{\"seed\": " + "9".repeat(most - 20) + "}");
    files.put("a long key", "k".repeat(most - 10) + ": 1");
    files.put("a long key in JSON", "{\"" + "k".repeat(most - 20) + "\": 1}");
    files.put("lists in lists", "a: " + "[".repeat(most - 10));
    files.put("lists in lists in JSON", "{\"a\":" + "[".repeat(most - 10));
    files.put("objects in objects in JSON", "{\"a\":".repeat(most / 6));
    files.put("dashes", "a:\n" + "- ".repeat(most / 2 - 10));
    files.put("questions", "? ".repeat(most / 2 - 10));
    files.put("quotes", "'".repeat(most - 1));
    files.put("tabs", "a:" + "\t".repeat(most - 10));
    files.put("line ends", "a: |\n" + "\n".repeat(most - 10));
    files.put("hashes", "#".repeat(most - 1));
    files.put("percents", "%" + "A".repeat(most - 10));
    files.put("exclamations", "a: " + "!".repeat(most - 10));
    files.put("anchors", "a: [" + "&b ".repeat(most / 3 - 10));
    files.put("documents", "---\n".repeat(most / 4 - 1));
    var keys = new StringBuilder("{");
    var words = new StringBuilder("[");
    for (int i = 0; keys.length() < most - 100; i++) {
      keys.append('"').append("k".repeat(50)).append(i).append("\":1,");
      words.append("w").append(i).append(',');
    }
    files.put("many unknown keys", keys.append("\"z\":1}").toString());
    files.put("a long list", "data: {mean: " + words.append("1]}"));
    return files;
  }

  static List<String> titles() {
    return List.copyOf(large().keySet());
  }

  @ParameterizedTest
  @MethodSource("titles")
  void shouldReadTheLargestFilesInBoundedTimeAndMemory(String title) {
    byte[] file = large().get(title).getBytes(UTF_8);
    Bounded.run(
        MUCH,
        () -> assertThatThrownBy(() -> JobFiles.parse(file)).isInstanceOf(JobFileException.class));
  }

  /** Paths with such characters cannot be opened, and not every reader of an answer bears them. */
  @ParameterizedTest
  @ValueSource(strings = {"\\u0000", "\\n", "\\u001b[2J", "\\ud800", "${A:-\\udc00}"})
  void shouldRefuseControlCharactersAndHalvesOfCharacters(String escape) {
    byte[] file = "{\"name\":\"a\",\"data\":{\"path\":\"/x%s\"}}".formatted(escape).getBytes(UTF_8);
    assertThatThrownBy(() -> JobFiles.parse(file))
        .isInstanceOfSatisfying(
            JobFileException.class,
            e ->
                assertThat(e.mistakes())
                    .filteredOn(mistake -> mistake.path().equals("data.path"))
                    .singleElement()
                    .satisfies(m -> assertThat(m.given()).contains("\uFFFD"))
                    .satisfies(m -> assertThat(m.allowed()).contains("without control")));
  }

  @Test
  void shouldCutNoCharacterInTwoWhereItShortensWhatWasGiven() {
    String given = new Mistake("a", "x" + "\uD83D\uDE00".repeat(100), "b").given();
    assertThat(given).isEqualTo("x" + "\uD83D\uDE00".repeat(59) + "...");
  }
}
