package io.tandem.deploy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a command end in order when the process is told to end (SIGINT, that is Ctrl-C, or SIGTERM):
 * its thread is interrupted, and the process stays until the command has cleaned up and its last
 * word is said ({@link #end}). The process then ends with 128 + the signal's number (130 for
 * Ctrl-C), whatever the command answers.
 */
final class Interruption implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 60;
  private static volatile Interruption latest;

  private final CountDownLatch cleanedUp = new CountDownLatch(1);
  private final Thread command = Thread.currentThread();
  private volatile boolean happened;

  private Interruption() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::interrupt, "interruption"));
  }

  /** Watches over the calling thread until {@link #close}; of one that was told to, longer. */
  static Interruption watch() {
    Interruption watch = new Interruption();
    latest = watch;
    return watch;
  }

  /** The command has said why it ends; the process may go. */
  static void end() {
    if (latest != null) {
      latest.cleanedUp.countDown();
    }
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
    if (!happened) {
      cleanedUp.countDown();
    }
  }
}
