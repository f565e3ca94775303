package io.tandem.worker.train;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.worker.collective.CollectiveListener;
import io.tandem.worker.fabric.FabricCounters;

/** Passes calls on one at a time, as the listener's contract says. */
final class SerialListener implements AttemptListener {
  private final AttemptListener target;

  SerialListener(AttemptListener target) {
    this.target = target;
  }

  @Override
  public synchronized void started(AttemptStarted message) {
    target.started(message);
  }

  @Override
  public synchronized void progress(Progress message) {
    target.progress(message);
  }

  @Override
  public synchronized void evaluated(Evaluated message) {
    target.evaluated(message);
  }

  @Override
  public synchronized void checkpoint(CheckpointCommitted message) {
    target.checkpoint(message);
  }

  @Override
  public synchronized void notice(Notice message) {
    target.notice(message);
  }

  @Override
  public synchronized void log(LogLines message) {
    target.log(message);
  }

  @Override
  public synchronized void traffic(FabricCounters counters) {
    target.traffic(counters);
  }

  @Override
  public CollectiveListener collectives() {
    return target.collectives();
  }

  @Override
  public synchronized void ended(AttemptEnded message) {
    target.ended(message);
  }
}
