package io.tandem.worker.node;

import io.tandem.protocol.control.MemberMessage;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Roster;
import io.tandem.worker.storage.Storage;
import io.tandem.worker.train.AttemptPlan;
import java.nio.file.Path;
import java.util.List;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Reads what the coordinator asks for. */
final class StartAttempts {
  private static final int FRAME_KEY_BYTES = 32;

  private StartAttempts() {}

  /** The ranks that this worker is to host. */
  static List<Integer> ranks(StartAttempt message, String workerId) {
    return message.getMembersList().stream()
        .filter(member -> member.getWorkerId().equals(workerId))
        .map(MemberMessage::getRank)
        .toList();
  }

  /** The plan; throws when the job or the roster makes no sense. */
  static AttemptPlan plan(StartAttempt message, WorkerSettings settings, String workerId) {
    JobSpec job = JobFiles.parse(message.getJob().toByteArray());
    List<Member> members =
        message.getMembersList().stream()
            .map(
                m ->
                    new Member(
                        m.getRank(), m.getWorkerId(), m.getHost(), m.getPort(), m.getDriver()))
            .toList();
    Mesh mesh = new Mesh(message.getReplicas(), message.getShards());
    Roster roster = new Roster(message.getJobId(), message.getAttempt(), mesh, members);
    String own = job.checkpoint().path();
    Path base = own == null || own.isEmpty() ? settings.directory() : Storage.path(own);
    return new AttemptPlan(
        roster,
        workerId,
        job,
        message.getCheckpointsList().stream().map(Storage::path).toList(),
        base.resolve(message.getJobId()),
        settings.aeronDirectory(),
        settings.host(),
        settings.dataPort(),
        settings.threads(),
        frameKey(message));
  }

  private static SecretKey frameKey(StartAttempt message) {
    int bytes = message.getFrameKey().size();
    if (bytes != 0 && bytes != FRAME_KEY_BYTES) {
      throw new IllegalArgumentException(
          "a frame key of " + bytes + " bytes: allowed are none and " + FRAME_KEY_BYTES);
    }
    return bytes == 0 ? null : new SecretKeySpec(message.getFrameKey().toByteArray(), "AES");
  }
}
