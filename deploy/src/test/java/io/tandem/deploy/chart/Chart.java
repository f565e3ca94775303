package io.tandem.deploy.chart;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The chart, or a changed copy of it, as Helm renders it for release {@code train} in {@code ml}.
 */
record Chart(Path directory) {
  static final Path SOURCE = Path.of("..", "helm");
  static final String NAMESPACE = "ml";
  static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  /** The value sets that tests go through: files beside this class, empty for the defaults. */
  static final List<String> VALUE_SETS =
      List.of(
          "",
          "several.yaml",
          "pools.yaml",
          "bare.yaml",
          "secured.yaml",
          "generated.yaml",
          "public.yaml");

  /**
   * A copy whose hooks are like other manifests: Helm's template command leaves hooks out, and the
   * test's pod must be looked at too.
   */
  static Chart withoutHooks(Path directory) {
    return copy(directory, "helm.sh/hook", "example/was-hook");
  }

  /** A copy with a text replaced wherever the templates have it. */
  static Chart copy(Path directory, String text, String replacement) {
    boolean found = false;
    try (Stream<Path> files = Files.walk(SOURCE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = directory.resolve(SOURCE.relativize(file).toString());
        Files.createDirectories(target.getParent());
        String content = Files.readString(file);
        boolean template = file.startsWith(SOURCE.resolve("templates"));
        found |= template && content.contains(text);
        Files.writeString(target, template ? content.replace(text, replacement) : content);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!found) {
      throw new IllegalStateException("no template says " + text);
    }
    return new Chart(directory);
  }

  Helm helm() {
    return new Helm(directory);
  }

  /** The manifests with that value set; see {@link #VALUE_SETS}. */
  List<JsonNode> render(String valueSet) {
    TemplateCommand command = command();
    if (!valueSet.isEmpty()) {
      command.withValuesFile(valuesFile(valueSet));
    }
    return parse(command.call());
  }

  /** The manifests with single values on top of the defaults. */
  List<JsonNode> render(Map<String, Object> values) {
    TemplateCommand command = command();
    values.forEach(command::set);
    return parse(command.call());
  }

  static Path valuesFile(String valueSet) {
    return Path.of("src/test/resources/io/tandem/deploy/chart", valueSet);
  }

  private TemplateCommand command() {
    return helm().template().withName("train").withNamespace(NAMESPACE).withKubeVersion("1.36.0");
  }

  private static List<JsonNode> parse(String manifests) {
    List<JsonNode> parsed = new ArrayList<>();
    try {
      for (String manifest : manifests.split("(?m)^---$")) {
        JsonNode tree = YAML.readTree(manifest);
        if (tree != null && tree.isObject()) {
          parsed.add(tree);
        }
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no YAML:\n" + manifests, e);
    }
    return parsed;
  }
}
