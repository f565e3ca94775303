package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.UUID;

/**
 * Submits a job once, however often that has to be asked for: an answer may be lost after the job
 * was stored, so every call has the same idempotency key.
 */
final class Submission {
  /** How long it is asked for. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Duration SHORTEST = Duration.ofMillis(200);

  private final TandemClient client;
  private final PrintWriter err;

  Submission(TandemClient client, PrintWriter err) {
    this.client = client;
    this.err = err;
  }

  /**
   * Returns the job.
   *
   * @param key empty to have one made up
   * @throws ClientException when it is refused, or nobody has taken it for a minute. Where the very
   *     first call reaches nobody that is thrown at once: more likely the address is wrong
   */
  JsonNode submit(byte[] job, String key) {
    String known = key.isEmpty() ? UUID.randomUUID().toString() : key;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    boolean again = false;
    while (true) {
      try {
        return client.submit(job, known);
      } catch (ClientException e) {
        Duration pause = e.retryAfter().compareTo(SHORTEST) < 0 ? SHORTEST : e.retryAfter();
        boolean inTime = System.nanoTime() + pause.toNanos() < deadline;
        if (!e.unreachable() || !(e.sent() || again) || !inTime) {
          throw e;
        }
        if (!again) {
          err.println("not submitted yet, and tried again for a minute: " + e.getMessage());
          err.flush();
        }
        again = true;
        pause(pause);
      }
    }
  }

  private static void pause(Duration time) {
    try {
      Thread.sleep(time.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException(ExitCode.CANCELLED, "interrupted");
    }
  }
}
