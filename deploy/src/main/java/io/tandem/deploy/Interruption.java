package io.tandem.deploy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a command end in order when the process is told to end (SIGINT, that is Ctrl-C, or SIGTERM):
 * its thread is interrupted, and the process stays until the command has cleaned up. The process
 * then ends with 128 + the signal's number (130 for Ctrl-C), whatever the command answers.
 */
final class Interruption implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 60;

  private final CountDownLatch cleanedUp = new CountDownLatch(1);
  private final Thread command = Thread.currentThread();
  private volatile boolean happened;

  private Interruption() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::interrupt, "interruption"));
  }

  /** Watches over the calling thread until {@link #close}, its very last act. */
  static Interruption watch() {
    return new Interruption();
  }

  /** Whether the process was told to end. */
  boolean happened() {
    return happened;
  }

  private void interrupt() {
    if (cleanedUp.getCount() == 0) {
      return;
    }
    happened = true;
    command.interrupt();
    try {
      cleanedUp.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    cleanedUp.countDown();
  }
}
