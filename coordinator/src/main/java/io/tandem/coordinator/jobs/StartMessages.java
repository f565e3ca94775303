package io.tandem.coordinator.jobs;

import com.google.protobuf.ByteString;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.MemberMessage;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.job.JobFiles;
import java.util.List;

/** Writes the message that starts an attempt. */
final class StartMessages {
  private StartMessages() {}

  /** The workers were registered a moment ago, when the gang was placed. */
  static StartAttempt start(
      StoredJob job,
      int attempt,
      List<String> workerByRank,
      Workers workers,
      List<Rows.Checkpoint> checkpoints,
      ByteString frameKey) {
    StartAttempt.Builder start =
        StartAttempt.newBuilder()
            .setJobId(job.header().id())
            .setAttempt(attempt)
            .setReplicas(job.header().replicas())
            .setShards(job.header().shards())
            .setFrameKey(frameKey)
            .setJob(ByteString.copyFromUtf8(spec(job.header())));
    for (int rank = 0; rank < workerByRank.size(); rank++) {
      Register host = workers.find(workerByRank.get(rank)).orElseThrow().registration;
      start.addMembers(
          MemberMessage.newBuilder()
              .setRank(rank)
              .setWorkerId(host.getWorkerId())
              .setHost(host.getHost())
              .setPort(host.getDataPort())
              .setDriver(host.getDriver()));
    }
    checkpoints.forEach(checkpoint -> start.addCheckpoints(checkpoint.path()));
    return start.build();
  }

  /** Workers of a release before pools refuse the key, and those of this one need none. */
  private static String spec(StoredJob.Header header) {
    return header.pool().isEmpty() ? header.spec() : JobFiles.withoutPool(header.spec());
  }
}
