package io.tandem.worker.node;

import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Report;
import java.util.List;
import java.util.stream.Stream;

/**
 * Keeps a report far below the largest frame of the control plane: one that cannot be sent would
 * hold back all that come after it.
 */
final class ReportLimits {
  /** Of what people read of an event, in characters. */
  static final int TEXT = 16 * 1024;

  /** Of one line of a log, in characters. */
  static final int LINE = 4 * 1024;

  /** Of one report. */
  static final int LINES = 64;

  private ReportLimits() {}

  /** The report, with what is too long cut and marked. */
  static Report.Builder limited(Report.Builder report) {
    switch (report.getBodyCase()) {
      case NOTICE -> report.getNoticeBuilder().setText(cut(report.getNotice().getText(), TEXT));
      case ENDED -> report.getEndedBuilder().setText(cut(report.getEnded().getText(), TEXT));
      case LOG -> report.setLog(limited(report.getLog().getLinesList()));
      default -> {
        // Numbers, and paths that the file system limits.
      }
    }
    return report;
  }

  private static LogLines limited(List<String> lines) {
    int more = lines.size() - LINES;
    Stream<String> kept = lines.stream().limit(LINES).map(line -> cut(line, LINE));
    Stream<String> mark = more > 0 ? Stream.of("... " + more + " more lines") : Stream.empty();
    return LogLines.newBuilder().addAllLines(Stream.concat(kept, mark).toList()).build();
  }

  private static String cut(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + "... " + (text.length() - end) + " more characters";
  }
}
