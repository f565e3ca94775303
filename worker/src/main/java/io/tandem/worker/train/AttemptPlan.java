package io.tandem.worker.train;

import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Roster;
import java.nio.file.Path;
import java.util.List;
import javax.crypto.SecretKey;

/**
 * All that a worker must know to run its ranks of one attempt.
 *
 * @param roster who takes part
 * @param workerId this worker; its ranks are the roster's members with this id
 * @param job what to train
 * @param checkpoints directories of committed checkpoints, newest first; the first that is whole is
 *     loaded; empty starts from scratch
 * @param directory where this job's checkpoints and exported model go, seen by every worker
 * @param aeronDirectory an external media driver's directory, or null for the worker's own embedded
 *     one
 * @param bindHost address the data plane listens on
 * @param dataPort UDP port the data plane listens on
 * @param threads compute threads a rank
 * @param frameKey encrypts the frames between workers, or null
 */
public record AttemptPlan(
    Roster roster,
    String workerId,
    JobSpec job,
    List<Path> checkpoints,
    Path directory,
    Path aeronDirectory,
    String bindHost,
    int dataPort,
    int threads,
    SecretKey frameKey) {
  public AttemptPlan {
    checkpoints = List.copyOf(checkpoints);
  }

  /** Where checkpoints are committed. */
  public Path checkpointRoot() {
    return directory.resolve("checkpoints");
  }
}
