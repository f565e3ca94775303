package io.tandem.worker.node;

import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The reports that the coordinator has not acknowledged, in order. What is sent always begins with
 * the oldest of them, so that the coordinator never sees a gap; one batch is under way at a time.
 * Not thread-safe: the actor's own.
 */
final class Outbox {
  /** Beyond this many, what is only of passing interest is dropped before it is numbered. */
  static final int CROWDED = 10_000;

  private static final int BATCH_REPORTS = 256;
  private static final int BATCH_BYTES = 128 * 1024;

  private final Deque<Report> kept = new ArrayDeque<>();
  private long next = 1;
  private final Map<AttemptKey, Integer> dropped = new HashMap<>();
  private boolean underWay;

  /**
   * Numbers and keeps a report, cut to what can be sent. While the coordinator is long away,
   * progress and logs are dropped; the attempt's next report that is kept comes after a notice that
   * says so.
   */
  void add(Report.Builder report) {
    AttemptKey key = new AttemptKey(report.getJobId(), report.getAttempt());
    boolean passing = report.hasProgress() || report.hasLog();
    if (passing && kept.size() >= CROWDED) {
      dropped.merge(key, 1, Integer::sum);
      return;
    }
    Integer lost = dropped.remove(key);
    if (lost != null) {
      String text = lost + " reports of progress or logs were dropped: the coordinator was away";
      keep(
          ReportingListener.report(key)
              .setWorkerId(report.getWorkerId())
              .setTimeMillis(report.getTimeMillis())
              .setNotice(
                  Notice.newBuilder()
                      .setLevel("warning")
                      .setCode("REPORTS_DROPPED")
                      .setText(text)));
    }
    keep(ReportLimits.limited(report));
  }

  private void keep(Report.Builder report) {
    kept.add(report.setSequence(next++).build());
  }

  /** Forgets everything up to that sequence. */
  void acknowledge(long upTo) {
    while (!kept.isEmpty() && kept.peek().getSequence() <= upTo) {
      kept.remove();
      underWay = false;
    }
  }

  /** The batch to send now; empty while one is under way. */
  Reports next() {
    return underWay ? Reports.getDefaultInstance() : again();
  }

  /** The oldest batch, whether or not it was sent before. */
  Reports again() {
    Reports.Builder batch = Reports.newBuilder();
    int bytes = 0;
    for (Report report : kept) {
      bytes += report.getSerializedSize();
      boolean full = batch.getReportsCount() == BATCH_REPORTS || bytes > BATCH_BYTES;
      if (full && batch.getReportsCount() > 0) {
        break;
      }
      batch.addReports(report);
    }
    underWay = batch.getReportsCount() > 0;
    return batch.build();
  }

  boolean isEmpty() {
    return kept.isEmpty();
  }
}
