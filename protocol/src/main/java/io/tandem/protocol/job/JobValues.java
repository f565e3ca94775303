package io.tandem.protocol.job;

import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The values read so far, by path, and the paths whose values are missing or wrong. */
final class JobValues {
  private final Map<String, Object> values = new HashMap<>();
  private final Set<String> broken = new HashSet<>();

  Object get(String path) {
    return values.get(path);
  }

  void put(String path, Object value) {
    values.put(path, value);
  }

  void markBroken(String path) {
    broken.add(path);
  }

  /** Whether a rule about these paths can be judged. */
  boolean sound(String... paths) {
    return Arrays.stream(paths).noneMatch(broken::contains);
  }

  /** The job, with zeros and nulls where a path is broken. */
  JobSpec build() {
    return (JobSpec) build("", JobSpec.class);
  }

  private Object build(String path, Class<?> type) {
    if (!type.isRecord()) {
      var value = values.get(path);
      return value == null ? zero(type) : value;
    }
    var components = type.getRecordComponents();
    var types = new Class<?>[components.length];
    var arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      arguments[i] = build(joined(path, components[i].getName()), types[i]);
    }
    try {
      return type.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("cannot build " + type, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot build " + type, e);
    }
  }

  static String joined(String path, String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static Object zero(Class<?> type) {
    if (type == int.class) {
      return 0;
    }
    if (type == long.class) {
      return 0L;
    }
    if (type == double.class) {
      return 0.0;
    }
    if (type == boolean.class) {
      return false;
    }
    return type == List.class ? List.of() : null;
  }
}
