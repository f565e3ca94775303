package io.tandem.protocol.job;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code ${NAME}} and {@code ${NAME:-default}} in texts; one more dollar makes it literal. */
final class Parameters {
  // Only the first of several dollars begins a match: long rows of them would take for ever.
  private static final Pattern REFERENCE =
      Pattern.compile("(?<!\\$)(\\$+)\\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\\})?");
  private static final Pattern DOLLARS = Pattern.compile("(?<!\\$)(\\$+)\\{");

  private Parameters() {}

  /** A name that has no value and no default. */
  static final class Unset extends Exception {
    private static final long serialVersionUID = 1L;

    Unset(String allowed) {
      super(allowed);
    }
  }

  static boolean used(String text) {
    return text.contains("${");
  }

  static String replaced(String text, Map<String, String> parameters) throws Unset {
    var result = new StringBuilder();
    var matcher = REFERENCE.matcher(text);
    while (matcher.find()) {
      String value;
      if (matcher.group(1).length() > 1) {
        value = matcher.group().substring(1);
      } else if (matcher.group(2) == null) {
        throw new Unset("${NAME} or ${NAME:-default}; $${ for a literal ${");
      } else {
        value = parameters.getOrDefault(matcher.group(2), matcher.group(3));
        if (value == null) {
          throw new Unset(
              "a value for the parameter %1$s, or a default: ${%1$s:-...}"
                  .formatted(matcher.group(2)));
        }
      }
      matcher.appendReplacement(result, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(result).toString();
  }

  /** The text that {@link #replaced} turns into this one. */
  static String escaped(String text) {
    return DOLLARS.matcher(text).replaceAll("\\$$1{");
  }
}
