package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker as a process of its own, without a coordinator. */
class WorkerIT {
  @TempDir Path directory;

  @Test
  void shouldExitWithZeroWhenToldToLeave() throws Exception {
    try (TandemProcess worker =
        TandemProcess.start(directory, "worker", "--coordinator", "127.0.0.1:1")) {
      worker.await("worker \\S+ with 1 slots");
      worker.terminate();
      assertThat(worker.exitCode()).as(worker.said()).isZero();
    }
  }
}
