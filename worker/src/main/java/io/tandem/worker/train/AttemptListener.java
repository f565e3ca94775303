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

/**
 * Hears what the local ranks of an attempt do. Called from their threads, one call at a time; must
 * return soon and never throw.
 */
public interface AttemptListener {
  /** All local ranks are connected and loaded. Once. */
  void started(AttemptStarted message);

  /** Only on the worker that hosts rank 0, at most once a second. */
  void progress(Progress message);

  /** Only on the worker that hosts rank 0. */
  void evaluated(Evaluated message);

  /** Only on the worker that hosts rank 0, after the atomic rename. */
  void checkpoint(CheckpointCommitted message);

  /** Something a person should read. */
  void notice(Notice message);

  /** Lines of the worker's log that are about this attempt. */
  void log(LogLines message);

  /** What this worker's data plane has counted since the attempt began; about once a second. */
  default void traffic(FabricCounters counters) {}

  /**
   * Hears of every collective of this worker's ranks: unlike the others on their own threads, so
   * that several call it at once.
   */
  default CollectiveListener collectives() {
    return CollectiveListener.NONE;
  }

  /**
   * The last call, exactly once, after every local rank's thread has ended and its memory is free.
   */
  void ended(AttemptEnded message);
}
