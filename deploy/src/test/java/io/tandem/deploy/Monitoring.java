package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The rules and dashboards in {@code helm}, and what their expressions are made of. */
final class Monitoring {
  static final Path HELM = Path.of("..", "helm");

  private static final Pattern SELECTOR =
      Pattern.compile("(tandem_[a-z_0-9]+|[a-z]+:tandem_[a-z_0-9]+:[a-z0-9]+)(\\{[^}]*})?");

  /**
   * One expression.
   *
   * @param where for people: file, and panel or rule
   * @param text PromQL, in a dashboard with its variables
   */
  record Expression(String where, String text) {}

  /**
   * A rule.
   *
   * @param alert its name, or empty for one that records
   * @param record the series it records, or empty
   */
  record Rule(String alert, String record, JsonNode annotations, Expression expression) {}

  private Monitoring() {}

  static List<Path> dashboards() throws IOException {
    return files("dashboards", ".json");
  }

  static List<Path> ruleFiles() throws IOException {
    return files("rules", ".yaml");
  }

  static List<Path> ruleTests() throws IOException {
    return files("rules/tests", ".yaml");
  }

  private static List<Path> files(String folder, String suffix) throws IOException {
    try (Stream<Path> all = Files.list(HELM.resolve(folder))) {
      return all.filter(file -> file.toString().endsWith(suffix)).sorted().toList();
    }
  }

  static List<Rule> rules() throws IOException {
    List<Rule> rules = new ArrayList<>();
    for (Path file : ruleFiles()) {
      for (JsonNode group : new YAMLMapper().readTree(file.toFile()).path("groups")) {
        for (JsonNode rule : group.path("rules")) {
          String alert = rule.path("alert").asText();
          String record = rule.path("record").asText();
          String where = file.getFileName() + ": " + alert + record;
          Expression expression = new Expression(where, rule.path("expr").asText());
          rules.add(new Rule(alert, record, rule.path("annotations"), expression));
        }
      }
    }
    return rules;
  }

  static List<Expression> panels() throws IOException {
    List<Expression> expressions = new ArrayList<>();
    for (Path file : dashboards()) {
      for (JsonNode panel : new ObjectMapper().readTree(file.toFile()).path("panels")) {
        String where = file.getFileName() + ": " + panel.path("title").asText();
        for (JsonNode target : panel.path("targets")) {
          expressions.add(new Expression(where, target.path("expr").asText()));
        }
      }
    }
    return expressions;
  }

  /** The series that an expression reads, as selectors. */
  static List<String> selectors(String expression) {
    return SELECTOR.matcher(expression).results().map(MatchResult::group).distinct().toList();
  }

  /** The names of those series. */
  static Set<String> metrics(String expression) {
    Set<String> names = new TreeSet<>();
    SELECTOR.matcher(expression).results().forEach(match -> names.add(match.group(1)));
    return names;
  }

  /**
   * What an alert compares, and not with what, or what it takes something away from: on a healthy
   * cluster that is there.
   */
  static String leftSide(String expression) {
    int depth = 0;
    for (int at = 0; at < expression.length(); at++) {
      char c = expression.charAt(at);
      if ("({[".indexOf(c) >= 0) {
        depth++;
      } else if (")}]".indexOf(c) >= 0) {
        depth--;
      } else if (depth == 0
          && (c == '<'
              || c == '>'
              || expression.startsWith("==", at)
              || expression.startsWith(" unless ", at))) {
        return expression.substring(0, at).strip();
      }
    }
    String absent = "absent(";
    return expression.startsWith(absent)
        ? leftSide(expression.substring(absent.length(), expression.length() - 1))
        : expression;
  }
}
