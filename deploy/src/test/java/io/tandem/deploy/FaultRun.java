package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.deploy.FaultJob.Mark;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;

/**
 * The cases of a {@link FaultMatrixIT}: how each begins and ends, what they cost, and the job that
 * nothing happens to.
 */
final class FaultRun {
  /** In which another coordinator must lead. */
  static final Duration LED = Duration.ofSeconds(30);

  /** More than any job here does. */
  private static final int ENDLESS = 100_000;

  private final FaultTable table = new FaultTable();
  private final FaultCluster cluster;
  private FaultJob clean;

  FaultRun(FaultCluster cluster) {
    this.cluster = cluster;
  }

  FaultTable table() {
    return table;
  }

  /** A job that has committed a few steps and goes on for long. */
  FaultJob begun() {
    FaultJob job = FaultJob.submit(cluster, ENDLESS);
    job.awaitCommit(10);
    return job;
  }

  /** Ends a case: training went on, lost nothing, and computed what it should. */
  void end(FaultJob job, String kind, Mark before) {
    job.awaitNews();
    job.tell(table, kind, before);
    System.out.println(table);
    end(job, before);
  }

  private void end(FaultJob job, Mark before) {
    job.assertNoCommitIsLost();
    assertThat(job.committed()).isGreaterThan(before.committed());
    job.cancel();
    assertIsClean(job.trajectory());
  }

  /** The job that nothing happens to is trained as far as that one has come. */
  void assertIsClean(Trajectory trajectory) {
    if (clean == null) {
      clean = FaultJob.submit(cluster, ENDLESS);
    } else if (clean.committed() < trajectory.last()) {
      clean.act("resume");
    }
    if (clean.committed() < trajectory.last()) {
      clean.await(
          "clean run to step " + trajectory.last(),
          Duration.ofMinutes(10),
          job -> job.path("checkpointStep").asInt() >= trajectory.last());
    }
    if (!TestCluster.state(clean.look()).equals("PAUSED")) {
      clean.act("pause");
      clean.awaitEnd("PAUSED");
    }
    trajectory.assertIsThatOf(clean.trajectory());
  }

  /** Lets that time pass. */
  static void during(Duration time) {
    if (time.isNegative()) {
      return;
    }
    Awaitility.await().pollDelay(time).atMost(time.plusSeconds(5)).until(() -> true);
  }

  /** Another coordinator led after so long. */
  void leads(String kind, Duration took) {
    table.add(kind, 1, List.of(), List.of(took.toMillis() / 1000.0), 0, 0, 0);
  }
}
