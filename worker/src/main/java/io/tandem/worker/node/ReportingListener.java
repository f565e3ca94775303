package io.tandem.worker.node;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Report;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.RankTimes;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Turns what an attempt says into reports. How long its steps take is only kept, for the next
 * heartbeat.
 */
record ReportingListener(
    AttemptKey key,
    List<Integer> ranks,
    LatestTimes latest,
    BiConsumer<AttemptKey, Report.Builder> reports)
    implements AttemptListener {

  /** A report of that attempt; its body, worker, time and number are still missing. */
  static Report.Builder report(AttemptKey key) {
    return Report.newBuilder().setJobId(key.jobId()).setAttempt(key.attempt());
  }

  @Override
  public void started(AttemptStarted message) {
    reports.accept(key, report(key).setStarted(message));
  }

  @Override
  public void progress(Progress message) {
    reports.accept(key, report(key).setProgress(message));
  }

  @Override
  public void evaluated(Evaluated message) {
    reports.accept(key, report(key).setEvaluated(message));
  }

  @Override
  public void checkpoint(CheckpointCommitted message) {
    reports.accept(key, report(key).setCheckpoint(message));
  }

  @Override
  public void notice(Notice message) {
    reports.accept(key, report(key).setNotice(message));
  }

  @Override
  public void log(LogLines message) {
    reports.accept(key, report(key).setLog(message));
  }

  @Override
  public void times(RankTimes times) {
    latest.hear(times);
  }

  @Override
  public void ended(AttemptEnded message) {
    boolean named = message.getRanksCount() > 0;
    AttemptEnded complete = named ? message : message.toBuilder().addAllRanks(ranks).build();
    reports.accept(key, report(key).setEnded(complete));
  }
}
