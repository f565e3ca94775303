package io.tandem.protocol.job;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/** Bytes to a tree of values, within limits, and records to bytes. */
final class JobTree {
  private static final int DEEPEST = 16;

  /** In characters: the time that SnakeYAML takes for a line grows with its square. */
  private static final int LONGEST_LINE = 1 << 16;

  private static final StreamReadConstraints LIMITS =
      StreamReadConstraints.builder()
          .maxNestingDepth(DEEPEST)
          .maxDocumentLength(JobFiles.MAXIMUM_BYTES)
          .build();
  private static final YAMLFactory YAML_FACTORY =
      YAMLFactory.builder()
          .loaderOptions(loaderOptions())
          .streamReadConstraints(LIMITS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
          .build();
  private static final ObjectMapper YAML = strict(new ObjectMapper(YAML_FACTORY));
  private static final ObjectMapper JSON =
      strict(
          new ObjectMapper(
              JsonFactory.builder()
                  .streamReadConstraints(LIMITS)
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build()));

  private JobTree() {}

  static ObjectNode read(byte[] bytes) {
    if (bytes.length > JobFiles.MAXIMUM_BYTES) {
      throw JobFileException.of(
          bytes.length + " bytes", "at most " + JobFiles.MAXIMUM_BYTES + " bytes");
    }
    var text = decoded(bytes);
    var json = text.stripLeading().startsWith("{");
    try {
      if (!json) {
        refuseLongLines(text);
        refuseAliases(text);
      }
      JsonNode tree = (json ? JSON : YAML).readTree(text);
      if (tree instanceof ObjectNode object) {
        return object;
      }
      throw JobFileException.of(
          tree == null || tree.isMissingNode() || tree.isNull()
              ? "an empty file"
              : "something that has no keys",
          "a job: keys and values in YAML or JSON, beginning with 'name: ...'");
    } catch (JacksonException e) {
      throw JobFileException.of(
          problem(e), "well-formed " + (json ? "JSON" : "YAML") + hint(e, text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] write(JobSpec job) {
    try {
      var tree = (ObjectNode) node(job);
      if (job.pool().isEmpty()) {
        tree.remove("pool"); // workers of a release before pools refuse the key
      }
      return JSON.writeValueAsBytes(tree);
    } catch (JacksonException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String without(String json, String key) {
    try {
      return JSON.writeValueAsString(read(json.getBytes(StandardCharsets.UTF_8)).without(key));
    } catch (JacksonException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String writeYaml(JobSpec job) {
    try {
      return YAML.writeValueAsString(node(job));
    } catch (JacksonException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code META_PSEUDO_LABELS} is written {@code meta-pseudo-labels}. */
  static String kebab(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static Object component(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot read " + component, e);
    }
  }

  private static JsonNode node(Object value) {
    if (value instanceof Record) {
      var node = JSON.createObjectNode();
      for (var component : value.getClass().getRecordComponents()) {
        node.set(component.getName(), node(component(component, value)));
      }
      return node;
    }
    if (value instanceof List<?> list) {
      var node = JSON.createArrayNode();
      list.forEach(element -> node.add(node(element)));
      return node;
    }
    if (value instanceof Enum<?> constant) {
      return JSON.getNodeFactory().textNode(kebab(constant));
    }
    if (value instanceof String text) {
      return JSON.getNodeFactory().textNode(Parameters.escaped(text));
    }
    return JSON.valueToTree(value);
  }

  static String decoded(byte[] bytes) {
    try {
      var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw JobFileException.of("bytes that are not UTF-8", "a job in UTF-8, YAML or JSON");
    }
  }

  private static void refuseLongLines(String text) {
    text.lines()
        .mapToInt(String::length)
        .filter(length -> length > LONGEST_LINE)
        .findFirst()
        .ifPresent(
            length -> {
              throw JobFileException.of(
                  "a line of " + length + " characters",
                  "YAML lines of at most " + LONGEST_LINE + " characters");
            });
  }

  /** Jackson would read an alias as a text; a person who writes one expects a copy. */
  private static void refuseAliases(String text) throws IOException {
    try (YAMLParser parser = YAML_FACTORY.createParser(text)) {
      while (parser.nextToken() != null) {
        if (parser.isCurrentAlias()) {
          throw JobFileException.of(
              "a YAML alias in line " + parser.currentLocation().getLineNr(),
              "no aliases: write the value out");
        }
      }
    }
  }

  private static String problem(JacksonException e) {
    var where = e.getLocation();
    // Only the first line: the parsers' messages quote the source and their own classes after it.
    var what = e.getOriginalMessage().lines().findFirst().orElse("unreadable text");
    if (e.getCause() instanceof MarkedYAMLException yaml && yaml.getProblem() != null) {
      what =
          yaml.getContext() == null
              ? yaml.getProblem()
              : yaml.getProblem() + " " + yaml.getContext();
    }
    return where == null || where.getLineNr() < 1
        ? what
        : what + " (line " + where.getLineNr() + ", column " + where.getColumnNr() + ")";
  }

  /** A brace in a flow mapping or list begins another one, also that of a parameter. */
  private static String hint(JacksonException e, String text) {
    int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
    var given = text.lines().skip(Math.max(0, line - 1)).findFirst().orElse("");
    return e.getCause() instanceof MarkedYAMLException && given.contains("${")
        ? "; a parameter between { } or [ ] needs quotes: \"${NAME}\""
        : "";
  }

  private static ObjectMapper strict(ObjectMapper mapper) {
    return mapper.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  }

  static LoaderOptions loaderOptions() {
    var options = new LoaderOptions();
    options.setMaxAliasesForCollections(0);
    options.setNestingDepthLimit(DEEPEST);
    options.setCodePointLimit(JobFiles.MAXIMUM_BYTES);
    options.setAllowDuplicateKeys(false);
    return options;
  }
}
