package io.tandem.coordinator.jobs;

import io.tandem.protocol.control.StopMode;
import java.util.Set;

/** What is to be done after an event. */
public sealed interface JobCommand {
  /** Tell these workers to start their ranks. */
  record Start(int attempt, Set<String> workers) implements JobCommand {}

  /** Tell these workers to end their ranks. */
  record Stop(int attempt, StopMode mode, Set<String> workers) implements JobCommand {}
}
