package io.tandem.worker.train;

import io.tandem.protocol.control.LogLines;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker logs of one attempt: each line goes to the worker's own log and, as a report, to
 * the job's ({@code /v1/jobs/ID/logs}). Thread-safe.
 */
final class AttemptLog {
  private static final Logger LOG = LoggerFactory.getLogger(AttemptLog.class);
  private static final int MOST_LINES = 60;

  private final String attempt;
  private final AttemptListener listener;

  AttemptLog(String jobId, int attempt, AttemptListener listener) {
    this.attempt = jobId + " attempt " + attempt;
    this.listener = listener;
  }

  void info(String text) {
    LOG.info("{}: {}", attempt, text);
    listener.log(LogLines.newBuilder().addLines("INFO " + text).build());
  }

  /** With the cause's stack trace, of which a job keeps the first lines. */
  void warn(String text, Throwable cause) {
    LOG.warn("{}: {}", attempt, text, cause);
    StringWriter trace = new StringWriter();
    cause.printStackTrace(new PrintWriter(trace));
    List<String> lines = new ArrayList<>();
    lines.add("WARN " + text);
    trace.toString().lines().limit(MOST_LINES).forEach(lines::add);
    listener.log(LogLines.newBuilder().addAllLines(lines).build());
  }
}
