package io.tandem.protocol.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The job file described for editors (JSON Schema 2020-12) and for people (a table). */
final class JobSchema {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private JobSchema() {}

  /** The schema of a job whose parameters are already replaced. */
  static String json() {
    var root = MAPPER.createObjectNode();
    root.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    root.put("title", "Tandem job");
    section(root, "", JobSpec.class);
    try {
      return MAPPER.writeValueAsString(root) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The Markdown table of every key, what it allows, and its default. */
  static String table() {
    var rows = new StringBuilder("| key | allowed | default |\n|---|---|---|\n");
    rows(rows, "", JobSpec.class);
    return rows.toString();
  }

  private static boolean section(ObjectNode node, String path, Class<?> type) {
    node.put("type", "object");
    node.put("additionalProperties", false);
    var properties = node.putObject("properties");
    var required = MAPPER.createArrayNode();
    for (var component : type.getRecordComponents()) {
      var child = properties.putObject(component.getName());
      var childPath = JobValues.joined(path, component.getName());
      boolean needed;
      if (component.getType().isRecord()) {
        needed = section(child, childPath, component.getType());
      } else {
        var field = JobFields.all().get(childPath);
        field(child, field, component);
        needed = field.required();
      }
      if (needed) {
        required.add(component.getName());
      }
    }
    if (!required.isEmpty()) {
      node.set("required", required);
    }
    return !required.isEmpty();
  }

  private static void field(ObjectNode node, JobField field, RecordComponent component) {
    if (component.getType() == List.class) {
      node.put("type", "array");
      value(node.putObject("items"), field, component.getGenericType());
    } else {
      value(node, field, component.getType());
    }
    if (field.standard() instanceof Enum<?> constant) {
      node.put("default", JobTree.kebab(constant));
    } else if (field.standard() != null) {
      node.set("default", MAPPER.valueToTree(field.standard()));
    } else if (field.derivation() != null) {
      node.put("description", "Default: " + field.derivation());
    }
  }

  private static void value(ObjectNode node, JobField field, Type type) {
    var element = JobReader.elementType(type);
    if (element.isEnum()) {
      ArrayNode names = node.putArray("enum");
      Arrays.stream(element.getEnumConstants())
          .forEach(constant -> names.add(JobTree.kebab((Enum<?>) constant)));
    } else if (element == boolean.class) {
      node.put("type", "boolean");
    } else if (element == String.class) {
      node.put("type", "string");
      if (field.pattern() != null) {
        // Java's inline flag is not ECMAScript's; JSON Schema patterns are not anchored.
        node.put("pattern", "^" + field.pattern().pattern().replace("(?s).", "[\\s\\S]") + "$");
      }
    } else {
      node.put("type", element == double.class ? "number" : "integer");
      bounds(node, field.range());
    }
  }

  private static void bounds(ObjectNode node, JobField.Range range) {
    if (Double.isFinite(range.least())) {
      number(node, range.leastOpen() ? "exclusiveMinimum" : "minimum", range.least());
    }
    if (Double.isFinite(range.most())) {
      number(node, range.mostOpen() ? "exclusiveMaximum" : "maximum", range.most());
    }
  }

  private static void number(ObjectNode node, String key, double value) {
    if (value == Math.rint(value)) {
      node.put(key, (long) value);
    } else {
      node.put(key, value);
    }
  }

  private static void rows(StringBuilder rows, String path, Class<?> type) {
    for (var component : type.getRecordComponents()) {
      var childPath = JobValues.joined(path, component.getName());
      if (component.getType().isRecord()) {
        rows(rows, childPath, component.getType());
        continue;
      }
      var field = JobFields.all().get(childPath);
      var allowed = JobReader.allowed(field, component.getGenericType());
      rows.append(
          "| `%s` | %s%s | %s |\n"
              .formatted(
                  childPath,
                  component.getType() == List.class ? "list of: " : "",
                  allowed.replace("|", "\\|"),
                  standard(field)));
    }
  }

  private static String standard(JobField field) {
    if (field.required()) {
      return "**required**";
    }
    if (field.standard() == null) {
      return field.derivation();
    }
    if (field.standard() instanceof Enum<?> constant) {
      return JobTree.kebab(constant);
    }
    if (field.standard() instanceof List<?> list) {
      return list.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }
    return field.standard().equals("") ? "`\"\"`" : field.standard().toString();
  }
}
