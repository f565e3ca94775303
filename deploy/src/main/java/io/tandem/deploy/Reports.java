package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** What commands print about REST objects. */
final class Reports {
  private Reports() {}

  /** Prints how a job ended; returns the exit code that says so. */
  static int outcome(JsonNode job, Output output) {
    output.object(job);
    output.say(job.path("id").asText() + " " + ending(job));
    return ExitCode.of(job.path("state").asText());
  }

  /** State, reason and what the reason means. */
  static String ending(JsonNode job) {
    StringBuilder line = new StringBuilder(job.path("state").asText());
    String reason = job.path("reason").asText("");
    if (!reason.isEmpty() && !reason.equals("NONE")) {
      line.append(" (").append(reason).append(')');
    }
    String text = job.path("reasonText").asText("");
    if (!text.isEmpty()) {
      line.append(": ").append(text);
    }
    return line.toString();
  }

  /** The elements of an answer that is a list, or that holds one under that name. */
  static JsonNode list(JsonNode answer, String name) {
    return answer.isArray() ? answer : answer.path(name);
  }

  /** Rows with columns as wide as they need to be. */
  static List<String> table(List<List<String>> rows) {
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.size(); c++) {
        int column = c;
        int width = rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
        line.append(row.get(c)).append(" ".repeat(width - row.get(c).length() + 2));
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }
}
