package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Map;

/** One line that says how a job stands: a bar, step, rate, time left, losses, accuracies. */
final class ProgressLine {
  private static final int BAR = 24;

  private ProgressLine() {}

  /**
   * The line.
   *
   * @param job the REST object
   */
  static String of(JsonNode job) {
    long step = job.path("step").asLong();
    long total = job.path("totalSteps").asLong();
    StringBuilder line = new StringBuilder();
    String state = job.path("state").asText("?");
    line.append("%-10s ".formatted(state));
    double done = total == 0 ? 0 : Math.min(1.0, (double) step / total);
    int filled = (int) Math.round(done * BAR);
    line.append('[').append("#".repeat(filled)).append(".".repeat(BAR - filled)).append(']');
    line.append(" %d/%s".formatted(step, total == 0 ? "?" : String.valueOf(total)));
    double rate = job.path("stepsPerSecond").asDouble();
    if (rate > 0 && state.equals("RUNNING")) {
      line.append(number(" %.2f steps/s", rate));
      line.append(number(" %.0f images/s", job.path("imagesPerSecond").asDouble()));
      double left = job.path("etaSeconds").asDouble((total - step) / rate);
      line.append(" ETA ").append(time(left));
    }
    int attempt = job.path("attempt").asInt();
    if (attempt > 1) {
      line.append(" attempt ").append(attempt);
    }
    values(line, job.path("losses"));
    values(line, job.path("values"));
    values(line, job.path("accuracies"));
    return line.toString();
  }

  /** Hours, minutes and seconds. */
  static String time(double seconds) {
    long s = Math.max(0, Math.round(seconds));
    return s >= 3600
        ? "%d:%02d:%02d".formatted(s / 3600, s / 60 % 60, s % 60)
        : "%d:%02d".formatted(s / 60, s % 60);
  }

  private static void values(StringBuilder line, JsonNode values) {
    for (Map.Entry<String, JsonNode> value : values.properties()) {
      String name = value.getKey();
      String lower = name.toLowerCase(Locale.ROOT);
      boolean telling = lower.contains("loss") || lower.contains("accuracy");
      if (value.getValue().isNumber() && telling) {
        line.append(' ').append(name).append(number(" %.3f", value.getValue().asDouble()));
      }
    }
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
