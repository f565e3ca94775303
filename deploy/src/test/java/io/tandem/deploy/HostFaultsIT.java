package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/** The short form of {@link FaultMatrixIT}: lost packets and a killed worker, on four hosts. */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
class HostFaultsIT {
  private static final int STEPS = 30;

  @TempDir Path directory;
  private FaultCluster cluster;

  @BeforeEach
  void start() throws Exception {
    String missing = FaultCluster.missing();
    assumeTrue(missing.isEmpty(), () -> "skipped: no hosts that lose packets here: " + missing);
    cluster = new FaultCluster(directory);
  }

  @AfterEach
  void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void shouldComputeTheSameWhenPacketsAreLostAndAWorkerIsKilled() throws Exception {
    FaultTable table = new FaultTable();
    FaultJob clean = run(table, "none");
    Trajectory wanted = clean.trajectory();
    assertThat(wanted.states()).hasSize(STEPS / 5);

    for (String host : FaultCluster.HOSTS) {
      cluster.hosts().lose(host, 0.05);
    }
    FaultJob lossy = run(table, "5 % of packets lost");
    for (String host : FaultCluster.HOSTS) {
      assertThat(cluster.hosts().lost(host)).isPositive();
      cluster.hosts().loseNothing(host);
    }
    assertThat(lossy.attempt()).isEqualTo(1);
    assertThat(lossy.trajectory().states()).isEqualTo(wanted.states());
    lossy.trajectory().assertIsThatOf(wanted);

    FaultJob killed = FaultJob.submit(cluster, STEPS);
    killed.awaitCommit(5);
    FaultJob.Mark before = killed.mark();
    killed.strike();
    cluster.at(Post.worker("c")).kill();
    cluster.awaitWhole();
    killed.awaitEnd("SUCCEEDED");
    killed.tell(table, "worker killed (-9)", before);
    killed.assertNoCommitIsLost();
    assertThat(killed.attempt()).isGreaterThan(1);
    assertThat(killed.trajectory().states()).isEqualTo(wanted.states());
    killed.trajectory().assertIsThatOf(wanted);

    cluster.assertLeavesNothing();
    cluster.leave();
    System.out.println(table);
  }

  private FaultJob run(FaultTable table, String kind) {
    FaultJob job = FaultJob.submit(cluster, STEPS);
    FaultJob.Mark before = job.mark();
    job.strike();
    job.awaitEnd("SUCCEEDED");
    job.tell(table, kind, before);
    return job;
  }
}
