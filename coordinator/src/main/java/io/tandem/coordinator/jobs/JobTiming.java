package io.tandem.coordinator.jobs;

import java.time.Duration;

/**
 * The manager's clock.
 *
 * @param heartbeat how often workers are told to send one
 * @param lost a worker that was silent for so long is lost
 * @param readopt how long a restarted coordinator waits for its workers
 * @param tick how often the manager looks
 */
public record JobTiming(Duration heartbeat, Duration lost, Duration readopt, Duration tick) {
  /** One second, eight, ten, and half a second. */
  public static JobTiming standard() {
    return new JobTiming(
        Duration.ofSeconds(1),
        Duration.ofSeconds(8),
        Duration.ofSeconds(10),
        Duration.ofMillis(500));
  }
}
