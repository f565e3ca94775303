package io.tandem.protocol.job;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A tree to values: types, ranges, unknown keys, defaults. Collects mistakes, throws none. */
final class JobReader {
  /** In characters; Linux knows no longer path. */
  static final int LONGEST_TEXT = 4096;

  private final Map<String, String> parameters;
  private final List<Mistake> mistakes;
  private final JobValues values = new JobValues();

  JobReader(Map<String, String> parameters, List<Mistake> mistakes) {
    this.parameters = parameters;
    this.mistakes = mistakes;
  }

  JobValues read(JsonNode tree) {
    section("", JobSpec.class, tree);
    for (var field : JobFields.all().values()) {
      if (values.get(field.path()) == null && field.derived() != null) {
        var value = field.derived().apply(values);
        if (value == null) {
          values.markBroken(field.path());
        } else {
          values.put(field.path(), value);
        }
      }
    }
    return values;
  }

  private void section(String path, Class<?> type, JsonNode node) {
    if (node != null && !node.isObject() && !node.isNull()) {
      wrong(path, described(node), "keys: " + names(type));
      node = null;
    }
    if (node != null) {
      node.fieldNames().forEachRemaining(key -> refuseUnknown(path, type, key));
    }
    for (var component : type.getRecordComponents()) {
      var childPath = JobValues.joined(path, component.getName());
      var child = node == null ? null : node.get(component.getName());
      if (component.getType().isRecord()) {
        section(childPath, component.getType(), child);
      } else {
        field(JobFields.all().get(childPath), component, child);
      }
    }
  }

  private void field(JobField field, RecordComponent component, JsonNode node) {
    var path = field.path();
    if (node == null || node.isNull()) {
      if (field.required()) {
        wrong(path, "nothing", allowed(field, component.getGenericType()));
      } else if (field.standard() != null) {
        values.put(path, field.standard());
      }
      return;
    }
    Object value;
    if (component.getType() == List.class) {
      value = list(field, component, node);
    } else {
      value = value(field, path, component.getType(), node);
    }
    if (value != null) {
      values.put(path, value);
    }
  }

  private List<Object> list(JobField field, RecordComponent component, JsonNode node) {
    if (!node.isArray()) {
      wrong(
          field.path(),
          described(node),
          "a list of: " + allowed(field, component.getGenericType()));
      return null;
    }
    var element = elementType(component.getGenericType());
    var elements = new ArrayList<Object>();
    for (int i = 0; i < node.size(); i++) {
      var value = value(field, field.path() + "[" + i + "]", element, node.get(i));
      if (value == null) {
        values.markBroken(field.path());
      } else {
        elements.add(value);
      }
    }
    return values.sound(field.path()) ? List.copyOf(elements) : null;
  }

  /** The value, or null after a mistake was noted. */
  private Object value(JobField field, String path, Class<?> type, JsonNode node) {
    var text = node.isTextual() ? node.textValue() : null;
    if (text != null && text.length() > LONGEST_TEXT) {
      wrong(path, text.length() + " characters", "a text of at most " + LONGEST_TEXT);
      return null;
    }
    var fromParameter = false;
    if (text != null && Parameters.used(text)) {
      try {
        fromParameter = true;
        text = Parameters.replaced(text, parameters);
      } catch (Parameters.Unset e) {
        wrong(path, node.textValue(), e.getMessage());
        return null;
      }
    }
    if (text != null && !Mistake.printable(text).equals(text)) {
      wrong(path, "'" + text + "'", "a text without control characters and broken Unicode");
      return null;
    }
    var value = converted(type, node, text, fromParameter);
    if (value == null || !within(field, value)) {
      var given = text != null ? "'" + text + "'" : described(node);
      wrong(path, given, allowed(field, type));
      return null;
    }
    return value;
  }

  private static Object converted(Class<?> type, JsonNode node, String text, boolean parameter) {
    if (type == String.class) {
      return text;
    }
    if (type.isEnum()) {
      // YAML 1.1 reads a bare off as false.
      String word = node.isBoolean() && !node.booleanValue() ? "off" : text;
      return Arrays.stream(type.getEnumConstants())
          .filter(constant -> JobTree.kebab((Enum<?>) constant).equals(word))
          .findFirst()
          .orElse(null);
    }
    if (type == boolean.class) {
      if (parameter) {
        return "true".equals(text) ? Boolean.TRUE : "false".equals(text) ? Boolean.FALSE : null;
      }
      return node.isBoolean() ? node.booleanValue() : null;
    }
    if (parameter) {
      return parsed(type, text);
    }
    if (type == int.class) {
      return node.isIntegralNumber() && node.canConvertToInt() ? node.intValue() : null;
    }
    if (type == long.class) {
      return node.isIntegralNumber() && node.canConvertToLong() ? node.longValue() : null;
    }
    return node.isNumber() && Double.isFinite(node.doubleValue()) ? node.doubleValue() : null;
  }

  private static Object parsed(Class<?> type, String text) {
    try {
      if (type == int.class) {
        return Integer.valueOf(text);
      }
      if (type == long.class) {
        return Long.valueOf(text);
      }
      var value = Double.valueOf(text);
      return Double.isFinite(value) ? value : null;
    } catch (NumberFormatException e) {
      return null; // The caller tells what was given and what is allowed.
    }
  }

  private static boolean within(JobField field, Object value) {
    if (value instanceof Number number) {
      return field.range().contains(number.doubleValue());
    }
    return field.pattern() == null
        || !(value instanceof String text)
        || field.pattern().matcher(text).matches();
  }

  static Class<?> elementType(Type type) {
    var element = type instanceof ParameterizedType list ? list.getActualTypeArguments()[0] : type;
    return element == Double.class ? double.class : (Class<?>) element;
  }

  /** What is allowed, in words. */
  static String allowed(JobField field, Type type) {
    var element = elementType(type);
    if (element.isEnum()) {
      return Arrays.stream(element.getEnumConstants())
          .map(constant -> JobTree.kebab((Enum<?>) constant))
          .collect(Collectors.joining(", "));
    }
    if (element == boolean.class) {
      return "true or false";
    }
    if (element == String.class) {
      return field.pattern() == null
          ? "a text"
          : field.pattern().matcher(" ").matches()
              ? "a text that is not empty"
              : "a text that matches " + field.pattern();
    }
    var integral = element != double.class;
    var range = field.range().text(integral);
    return (integral ? "a whole number" : "a number") + (range.equals("any") ? "" : " " + range);
  }

  private void refuseUnknown(String path, Class<?> type, String key) {
    var known = Arrays.stream(type.getRecordComponents()).map(RecordComponent::getName).toList();
    if (!known.contains(key)) {
      var nearest = NearestWord.of(key, known);
      mistakes.add(
          new Mistake(
              JobValues.joined(path, key),
              "an unknown key",
              nearest.map(word -> "did you mean '" + word + "'? Known: ").orElse("")
                  + names(type)));
    }
  }

  private static String names(Class<?> type) {
    return Arrays.stream(type.getRecordComponents())
        .map(RecordComponent::getName)
        .collect(Collectors.joining(", "));
  }

  private static String described(JsonNode node) {
    return node.isObject() ? "a section" : node.isNull() ? "nothing" : node.toString();
  }

  private void wrong(String path, String given, String allowed) {
    values.markBroken(path);
    mistakes.add(new Mistake(path, given, allowed));
  }
}
