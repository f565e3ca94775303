package io.tandem.coordinator.jobs;

import java.time.Duration;

/**
 * The manager's clock.
 *
 * @param heartbeat how often workers are told to send one
 * @param lost a worker that was silent for so long is lost
 * @param readopt how long a restarted coordinator waits for its workers
 * @param tick how often the manager looks
 * @param stop an attempt that was told to end and has not after so long is given up
 */
public record JobTiming(
    Duration heartbeat, Duration lost, Duration readopt, Duration tick, Duration stop) {
  /** One second, eight, ten, half a second, and a minute. */
  public static JobTiming standard() {
    return new JobTiming(
        Duration.ofSeconds(1),
        Duration.ofSeconds(8),
        Duration.ofSeconds(10),
        Duration.ofMillis(500),
        Duration.ofMinutes(1));
  }

  /** The same with another {@link #stop}. */
  public JobTiming stoppingWithin(Duration time) {
    return new JobTiming(heartbeat, lost, readopt, tick, time);
  }
}
