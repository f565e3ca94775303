package io.tandem.worker.node;

/** One try at one job. */
record AttemptKey(String jobId, int attempt) {}
