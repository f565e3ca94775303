package io.tandem.protocol.job;

import java.util.regex.Pattern;

/**
 * One mistake of a job file.
 *
 * @param path of the value, for example {@code data.imageWidth}; empty for the whole file
 * @param given what the file says
 * @param allowed what it may say instead
 */
public record Mistake(String path, String given, String allowed) {
  private static final int LONGEST = 120;
  private static final Pattern NOT_PRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cs}]");

  public Mistake {
    path = shortened(path);
    given = shortened(given);
  }

  private static String shortened(String text) {
    return printable(
        text.length() <= LONGEST ? text : text.substring(0, wholeUpTo(LONGEST, text)) + "...");
  }

  /** Where to cut, so that no character is cut in two. */
  private static int wholeUpTo(int length, String text) {
    return Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length;
  }

  /** Control characters and halves of characters, which not every reader bears, replaced. */
  static String printable(String text) {
    return NOT_PRINTABLE.matcher(text).replaceAll("\uFFFD");
  }

  @Override
  public String toString() {
    return (path.isEmpty() ? "the job file" : path) + ": given " + given + "; allowed: " + allowed;
  }
}
