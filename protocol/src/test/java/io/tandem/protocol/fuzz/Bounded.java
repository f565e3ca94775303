package io.tandem.protocol.fuzz;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.function.Executable;

/** Whether reading one input ends, and with how much of the heap. */
public final class Bounded {
  /** For a few kilobytes at most; a loaded machine may take long over nothing. */
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Bounded() {}

  /**
   * Runs it on a thread of its own.
   *
   * @param bytes that it may allocate
   * @throws AssertionError where it takes longer than 20 s or allocates more
   */
  public static void run(long bytes, Executable reading) {
    assertTimeoutPreemptively(
        DEADLINE,
        () -> {
          long before = THREADS.getCurrentThreadAllocatedBytes();
          reading.execute();
          long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
          if (allocated > bytes) {
            throw new AssertionError(allocated + " bytes were allocated, allowed: " + bytes);
          }
        });
  }
}
