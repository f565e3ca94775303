package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tandem.deploy.FaultCluster.Post;
import io.tandem.deploy.FaultJob.Mark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.awaitility.Awaitility;
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
  /** More than any job here does. */
  private static final int ENDLESS = 100_000;

  private static final int KILLS = Integer.getInteger("tandem.fault.kills", 20);

  private enum Kill {
    LEADER,
    STANDBY,
    WORKER
  }

  private static final Duration CUT = Duration.ofSeconds(20);
  private static final Duration LED = Duration.ofSeconds(30);

  @TempDir static Path directory;
  private static final FaultTable TABLE = new FaultTable();
  private static FaultCluster cluster;
  private static FaultJob clean;

  @BeforeAll
  static void start() throws Exception {
    String missing = FaultCluster.missing();
    assumeTrue(missing.isEmpty(), () -> "skipped: no hosts that lose packets here: " + missing);
    cluster = new FaultCluster(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      System.out.println(TABLE);
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

  private static FaultJob begun() {
    FaultJob job = FaultJob.submit(cluster, ENDLESS);
    job.awaitCommit(10);
    return job;
  }

  /** Ends a case: training went on, lost nothing, and computed what it should. */
  private static void end(FaultJob job, String kind, Mark before) {
    job.awaitNews();
    job.tell(TABLE, kind, before);
    System.out.println(TABLE);
    end(job, before);
  }

  private static void end(FaultJob job, Mark before) {
    job.assertNoCommitIsLost();
    assertThat(job.committed()).isGreaterThan(before.committed());
    job.cancel();
    assertIsClean(job.trajectory());
  }

  /** The job that nothing happens to is trained as far as that one has come. */
  private static void assertIsClean(Trajectory trajectory) {
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

  private static void during(Duration time) {
    if (time.isNegative()) {
      return;
    }
    Awaitility.await().pollDelay(time).atMost(time.plusSeconds(5)).until(() -> true);
  }

  @Test
  @Order(1)
  void shouldComputeTheSameWhenNothingFails() throws Exception {
    FaultJob job = begun();
    job.awaitCommit(30);
    Mark before = job.mark();
    job.strike();
    job.awaitCommit(90);
    end(job, "none", before);
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
      FaultJob job = begun();
      Mark before = job.mark();
      job.strike();
      job.awaitCommit(70);
      assertThat(job.attempt()).isEqualTo(1);
      end(job, kind, before);
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
    FaultJob job = begun();
    Mark before = job.mark();
    job.strike();
    cluster.hosts().cut("c");
    try {
      during(CUT);
    } finally {
      cluster.hosts().mend("c");
    }
    job.awaitRecovery(before);
    end(job, "worker's host cut off for 20 s", before);
  }

  @Test
  @Order(5)
  void shouldRecoverWhenTheHostOfTheLeaderIsCutOff() throws Exception {
    FaultJob job = begun();
    String host = cluster.leader();
    String other = FaultCluster.otherThan(host);
    cluster.speakTo(other);
    Mark before = job.mark();
    job.strike();
    cluster.hosts().cut(host);
    Duration led;
    try {
      led = cluster.untilLeads(other, LED);
      during(CUT.minus(led));
    } finally {
      cluster.hosts().mend(host);
    }
    job.awaitRecovery(before);
    end(job, "leader's host, with a worker, cut off for 20 s", before);
    leads("leader cut off: until another leads", led);
  }

  private static void leads(String kind, Duration took) {
    TABLE.add(kind, 1, List.of(), List.of(took.toMillis() / 1000.0), 0, 0, 0);
  }

  /** The database is seen by the side that does not lead. */
  @Test
  @Order(6)
  void shouldRecoverFromACutDownTheMiddle() throws Exception {
    FaultJob job = begun();
    String host = cluster.leader();
    String other = FaultCluster.otherThan(host);
    List<String> left = List.of(host, "c");
    List<String> right = List.of(other, "d");
    cluster.speakTo(other);
    Mark before = job.mark();
    job.strike();
    cluster.hosts().part(left, right);
    cluster.hosts().partFromHere(left);
    Duration led;
    try {
      led = cluster.untilLeads(other, LED);
      during(CUT.minus(led));
    } finally {
      cluster.hosts().join(left, right);
      cluster.hosts().joinHere(left);
    }
    job.awaitRecovery(before);
    end(job, "cut down the middle for 20 s", before);
    leads("leader cut off: until another leads", led);
  }

  @Test
  @Order(7)
  void shouldBearAPauseOfThreeSeconds() throws Exception {
    FaultJob job = begun();
    Mark before = job.mark();
    job.strike();
    cluster.at(Post.worker("c")).pause(Duration.ofSeconds(3));
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    end(job, "worker paused for 3 s", before);
  }

  /** Another worker takes its place; when it wakes up it is of an attempt that is over. */
  @Test
  @Order(8)
  void shouldGoOnElsewhereWhenAWorkerIsPausedForAMinuteAndNotBeHarmedWhenItWakesUp()
      throws Exception {
    FaultJob job = begun();
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
    during(Duration.ofSeconds(60).minus(spent));
    paused.thaw();
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).as("who wakes up harms nobody").isEqualTo(attempt);
    end(job, "worker paused for 60 s, a spare one there", before);
    cluster.retire(Post.spare("a"));
  }

  @Test
  @Order(9)
  void shouldGoOnWhenTheDiskIsFullAndSaveAgainWhenThereIsRoom() throws Exception {
    FaultJob job = begun();
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
    end(job, "disk of the checkpoints full", before);
  }

  @Test
  @Order(10)
  void shouldGoOnWhateverIsKilled() throws Exception {
    long seed = Long.getLong("tandem.fault.seed", System.nanoTime());
    System.out.println("kills by -Dtandem.fault.seed=" + seed);
    Random random = new Random(seed);
    FaultJob job = begun();
    int kills = 0;
    List<Kill> deck = new ArrayList<>();
    while (kills < KILLS) {
      if (deck.isEmpty()) {
        deck.addAll(List.of(Kill.LEADER, Kill.STANDBY, Kill.WORKER, Kill.WORKER));
        Collections.shuffle(deck, random);
      }
      Mark before = job.mark();
      kills +=
          switch (deck.remove(0)) {
            case LEADER -> killLeader(job, before);
            case STANDBY -> killStandby(job, before);
            case WORKER -> killWorkers(job, before, random);
          };
      job.assertNoCommitIsLost();
      cluster.assertLeavesNothing();
      during(Duration.ofMillis(random.nextInt(5000)));
    }
    job.awaitNews();
    job.cancel();
    assertIsClean(job.trajectory());
  }

  private static int killLeader(FaultJob job, Mark before) throws Exception {
    String leader = cluster.leader();
    String other = FaultCluster.otherThan(leader);
    cluster.speakTo(other);
    job.strike();
    cluster.at(Post.coordinator(leader)).kill();
    double led = cluster.untilLeads(other, LED).toMillis() / 1000.0;
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    job.tell(TABLE, "leading coordinator killed (-9)", List.of(led), before);
    return 1;
  }

  private static int killStandby(FaultJob job, Mark before) throws Exception {
    String leader = cluster.leader();
    cluster.speakTo(leader);
    job.strike();
    cluster.at(Post.coordinator(FaultCluster.otherThan(leader))).kill();
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    job.tell(TABLE, "standby coordinator killed (-9)", before);
    return 1;
  }

  /** Sometimes another one while the job recovers. */
  private static int killWorkers(FaultJob job, Mark before, Random random) throws Exception {
    int kills = 1 + random.nextInt(3) / 2;
    for (int i = 0; i < kills; i++) {
      String host = FaultCluster.HOSTS.get(random.nextInt(FaultCluster.HOSTS.size()));
      job.strike();
      cluster.at(Post.worker(host)).kill();
      cluster.start(Post.worker(host));
      during(Duration.ofMillis(i + 1 < kills ? random.nextInt(8000) : 0));
    }
    cluster.awaitWhole();
    job.awaitRecovery(before);
    job.awaitNews();
    job.tell(TABLE, "worker killed (-9)", before);
    return kills;
  }
}
