package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Watches a job until it ends: one line that is drawn anew on a terminal, a line every few seconds
 * elsewhere. A coordinator that restarts meanwhile is waited for.
 */
final class JobFollower {
  private static final Set<String> ENDED = Set.of("SUCCEEDED", "FAILED", "CANCELLED");
  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration LINE_EVERY = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final TandemClient client;
  private final PrintWriter err;
  private final boolean terminal;

  /**
   * @param err standard error, of which the launcher says whether it is a terminal
   */
  JobFollower(TandemClient client, PrintWriter err) {
    this(client, err, Boolean.getBoolean("tandem.terminal"));
  }

  JobFollower(TandemClient client, PrintWriter err, boolean terminal) {
    this.client = client;
    this.err = err;
    this.terminal = terminal;
  }

  /** Whether that state is an end. */
  static boolean ended(String state) {
    return ENDED.contains(state);
  }

  /** The job as it was when it ended. */
  JsonNode follow(String id) {
    String shown = "";
    String shownState = "";
    long shownNanos = System.nanoTime() - LINE_EVERY.toNanos();
    while (true) {
      JsonNode job = patiently(() -> client.job(id));
      String state = job.path("state").asText();
      String line = ProgressLine.of(job);
      boolean end = ended(state);
      if (terminal) {
        // Without line wrap: a line that is too long for the window could not be drawn over.
        err.print("\r\u001b[2K\u001b[?7l" + line + "\u001b[?7h" + (end ? "\n" : ""));
        err.flush();
      } else {
        boolean due = System.nanoTime() - shownNanos >= LINE_EVERY.toNanos();
        if (!line.equals(shown) && (due || end || !state.equals(shownState))) {
          err.println(line);
          err.flush();
          shown = line;
          shownState = state;
          shownNanos = System.nanoTime();
        }
      }
      if (end) {
        return job;
      }
      pause();
    }
  }

  /** Hands over a job's events in their order, also those to come, until the job has ended. */
  void events(String id, Consumer<JsonNode> events) {
    long last = 0;
    boolean end = false;
    while (!end) {
      // The state first: an ended job has no further events.
      end = ended(patiently(() -> client.job(id)).path("state").asText());
      long after = last;
      for (JsonNode event : patiently(() -> client.events(id, after)).path("events")) {
        events.accept(event);
        last = event.path("id").asLong();
      }
      if (!end) {
        pause();
      }
    }
  }

  /** An answer; a coordinator that is away is waited for. */
  private static JsonNode patiently(Supplier<JsonNode> call) {
    Long missedNanos = null;
    while (true) {
      try {
        return call.get();
      } catch (ClientException e) {
        long now = System.nanoTime();
        // Counted from the first failure: a machine that stood still for long gets another try.
        missedNanos = missedNanos == null ? now : missedNanos;
        if (!e.unreachable() || now - missedNanos > PATIENCE.toNanos()) {
          throw e;
        }
        pause();
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(POLL.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException(ExitCode.CANCELLED, "interrupted");
    }
  }
}
