package io.tandem.protocol.job;

import java.util.Locale;

/** Why a job is in its state: the code that scripts read. The text beside it is for people. */
public enum JobReason {
  /** Nothing to explain. */
  NONE,
  COMPLETED,
  CANCELLED_BY_USER,
  PAUSED_BY_USER,
  /** A loss or a gradient was not a number. */
  DIVERGED,
  /** The data is missing, unreadable or too little. */
  DATA_ERROR,
  /** The job cannot run as it is written, which only a worker could tell. */
  INVALID_FOR_WORKER,
  /** No checkpoint could be read or written. */
  CHECKPOINT_ERROR,
  OUT_OF_MEMORY,
  TOO_MANY_RESTARTS,
  /** A worker sent no heartbeat. */
  WORKER_LOST,
  /** A rank did not answer another. */
  LOST_PEER,
  /** A worker was shut down on purpose. */
  WORKER_LEFT,
  /** A fault in the program. */
  INTERNAL_ERROR;

  /** The reason with that name in any case; one that is not known is an internal error. */
  public static JobReason of(String code) {
    try {
      return code.isBlank()
          ? INTERNAL_ERROR
          : valueOf(code.trim().toUpperCase(Locale.ROOT).replace('-', '_'));
    } catch (IllegalArgumentException unknown) {
      return INTERNAL_ERROR;
    }
  }
}
