package io.tandem.worker.node;

import io.tandem.protocol.job.JobSpec;

/** Reads a job from its canonical JSON; throws an unchecked exception that says what is wrong. */
@FunctionalInterface
public interface JobReader {
  JobSpec read(byte[] json);
}
