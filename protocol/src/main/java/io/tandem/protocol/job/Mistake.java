package io.tandem.protocol.job;

/**
 * One mistake of a job file.
 *
 * @param path of the value, for example {@code data.imageWidth}; empty for the whole file
 * @param given what the file says
 * @param allowed what it may say instead
 */
public record Mistake(String path, String given, String allowed) {
  private static final int LONGEST = 120;

  public Mistake {
    path = shortened(path);
    given = shortened(given);
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...";
  }

  @Override
  public String toString() {
    return (path.isEmpty() ? "the job file" : path) + ": given " + given + "; allowed: " + allowed;
  }
}
