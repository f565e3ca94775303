package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tandem.deploy.FaultJob.Mark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that fails, on one cluster of four hosts that lives through all of it. Whatever
 * failed, what a job computes is what it computes where nothing does, bit for bit. Prints what each
 * kind of failure costs.
 */
@EnabledOnOs(
    architectures = {"amd64", "x86_64"},
    disabledReason = "there is a PostgreSQL for x86-64 alone among the tests' libraries")
@EnabledIfSystemProperty(
    named = "tandem.long",
    matches = "true",
    disabledReason = "takes a quarter of an hour: ./mvnw -Plong")
@TestMethodOrder(OrderAnnotation.class)
class FaultMatrixIT {
  private static final int KILLS = Integer.getInteger("tandem.fault.kills", 20);
  private static final Duration CUT = Duration.ofSeconds(20);

  @TempDir static Path directory;
  private static FaultCluster cluster;
  private static FaultRun run;

  @BeforeAll
  static void start() throws Exception {
    String missing = FaultCluster.missing();
    assumeTrue(missing.isEmpty(), () -> "skipped: no hosts that lose packets here: " + missing);
    cluster = new FaultCluster(directory);
    run = new FaultRun(cluster);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      System.out.println(run.table());
      try {
        cluster.leave();
      } finally {
        cluster.close();
      }
    }
  }

  /** Each case begins with a cluster that is whole. */
  @AfterEach
  void check() throws Exception {
    cluster.awaitWhole();
    cluster.cancelWhatRuns();
    cluster.assertLeavesNothing();
  }

  @Test
  @Order(1)
  void shouldComputeTheSameWhenNothingFails() throws Exception {
    FaultJob job = run.begun();
    job.awaitCommit(30);
    Mark before = job.mark();
    job.strike();
    job.awaitCommit(90);
    run.end(job, "none", before);
  }

  @Test
  @Order(2)
  void shouldComputeTheSameWhenOnePacketOfAHundredIsLost() throws Exception {
    lose(0.01, "1 % of packets lost");
  }

  @Test
  @Order(3)
  void shouldComputeTheSameWhenFivePacketsOfAHundredAreLost() throws Exception {
    lose(0.05, "5 % of packets lost");
  }

  private static void lose(double share, String kind) throws Exception {
    for (String host : FaultCluster.HOSTS) {
      cluster.hosts().lose(host, share);
    }
    try {
      FaultJob job = run.begun();
      Mark before = job.mark();
      job.strike();
      job.awaitCommit(70);
      assertThat(job.attempt()).isEqualTo(1);
      run.end(job, kind, before);
    } finally {
      for (String host : FaultCluster.HOSTS) {
        assertThat(cluster.hosts().lost(host)).isPositive();
        cluster.hosts().loseNothing(host);
      }
    }
  }

  @Test
  @Order(4)
  void shouldRecoverFromAWorkerThatIsCutOff() throws Exception {
    FaultJob job = run.begun();
    Mark before = job.mark();
    job.strike();
    cluster.hosts().cut("c");
    try {
      FaultRun.during(CUT);
    } finally {
      cluster.hosts().mend("c");
    }
    job.awaitRecovery(before);
    run.end(job, "worker's host cut off for 20 s", before);
  }

  @Test
  @Order(5)
  void shouldRecoverWhenTheHostOfTheLeaderIsCutOff() throws Exception {
    FaultJob job = run.begun();
    String host = cluster.clients().leader();
    String other = FaultClients.otherThan(host);
    cluster.clients().speakTo(other);
    Mark before = job.mark();
    job.strike();
    cluster.hosts().cut(host);
    Duration led;
    try {
      led = cluster.clients().untilLeads(other, FaultRun.LED);
      FaultRun.during(CUT.minus(led));
    } finally {
      cluster.hosts().mend(host);
    }
    job.awaitRecovery(before);
    run.end(job, "leader's host, with a worker, cut off for 20 s", before);
    run.leads("leader cut off: until another leads", led);
  }

  /** The database is seen by the side that does not lead. */
  @Test
  @Order(6)
  void shouldRecoverFromACutDownTheMiddle() throws Exception {
    FaultJob job = run.begun();
    String host = cluster.clients().leader();
    String other = FaultClients.otherThan(host);
    List<String> left = List.of(host, "c");
    List<String> right = List.of(other, "d");
    cluster.clients().speakTo(other);
    Mark before = job.mark();
    job.strike();
    cluster.hosts().part(left, right);
    cluster.hosts().partFromHere(left);
    Duration led;
    try {
      led = cluster.clients().untilLeads(other, FaultRun.LED);
      FaultRun.during(CUT.minus(led));
    } finally {
      cluster.hosts().join(left, right);
      cluster.hosts().joinHere(left);
    }
    job.awaitRecovery(before);
    run.end(job, "cut down the middle for 20 s", before);
    run.leads("leader cut off: until another leads", led);
  }

  @Test
  @Order(7)
  void shouldBearAPauseOfThreeSeconds() throws Exception {
    FaultJob job = run.begun();
    Mark before = job.mark();
    job.strike();
    cluster.at(Post.worker("c")).pause(Duration.ofSeconds(3));
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    run.end(job, "worker paused for 3 s", before);
  }

  /** Another worker takes its place; when it wakes up it is of an attempt that is over. */
  @Test
  @Order(8)
  void shouldGoOnElsewhereWhenAWorkerIsPausedForAMinuteAndNotBeHarmedWhenItWakesUp()
      throws Exception {
    FaultJob job = run.begun();
    TandemProcess paused = cluster.at(Post.worker("c"));
    TandemProcess fifth = cluster.start(Post.spare("a"));
    TestCluster.registered(fifth);
    Mark before = job.mark();
    long start = System.nanoTime();
    job.strike();
    paused.freeze();
    job.awaitRecovery(before);
    job.awaitNews();
    int attempt = job.attempt();
    assertThat(job.look().path("workers").toString())
        .contains(TestCluster.registered(fifth).id())
        .doesNotContain(TestCluster.registered(paused).id());
    Duration spent = Duration.ofNanos(System.nanoTime() - start);
    assertThat(spent).as("until it trains elsewhere").isLessThan(Duration.ofSeconds(60));
    FaultRun.during(Duration.ofSeconds(60).minus(spent));
    paused.thaw();
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).as("who wakes up harms nobody").isEqualTo(attempt);
    run.end(job, "worker paused for 60 s, a spare one there", before);
    cluster.retire(Post.spare("a"));
  }

  @Test
  @Order(9)
  void shouldGoOnWhenTheDiskIsFullAndSaveAgainWhenThereIsRoom() throws Exception {
    FaultJob job = run.begun();
    Mark before = job.mark();
    job.strike();
    Path filler = cluster.fillStore();
    job.await(
        "notice", FaultJob.PATIENCE, j -> !job.notices(before, "CHECKPOINT_FAILED").isEmpty());
    int committed = job.committed();
    job.await("step", FaultJob.PATIENCE, j -> j.path("step").asInt() > committed + 10);
    assertThat(job.committed()).isEqualTo(committed);
    assertThat(job.notices(before, "CHECKPOINT_FAILED"))
        .allSatisfy(
            text -> assertThat(text).contains("training goes on").contains("No space left"));
    Files.delete(filler);
    job.awaitCommit(committed + 15);
    assertThat(job.attempt()).isEqualTo(before.attempt());
    run.end(job, "disk of the checkpoints full", before);
  }

  @Test
  @Order(10)
  void shouldGoOnWhateverIsKilled() throws Exception {
    long seed = Long.getLong("tandem.fault.seed", System.nanoTime());
    System.out.println("kills by -Dtandem.fault.seed=" + seed);
    FaultJob job = run.begun();
    new FaultKills(cluster, run.table(), job, new Random(seed)).kill(KILLS);
    job.awaitNews();
    job.cancel();
    run.assertIsClean(job.trajectory());
  }
}
