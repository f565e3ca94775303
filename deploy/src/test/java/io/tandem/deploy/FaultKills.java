package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.deploy.FaultJob.Mark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Processes that are killed one after the other while a job trains, in an order by chance. */
final class FaultKills {
  private enum Kill {
    LEADER,
    STANDBY,
    WORKER
  }

  private final FaultCluster cluster;
  private final FaultTable table;
  private final FaultJob job;
  private final Random random;

  FaultKills(FaultCluster cluster, FaultTable table, FaultJob job, Random random) {
    this.cluster = cluster;
    this.table = table;
    this.job = job;
    this.random = random;
  }

  /** At least so many; after each the job goes on, and nothing is left that should not be. */
  void kill(int atLeast) throws Exception {
    int kills = 0;
    List<Kill> deck = new ArrayList<>();
    while (kills < atLeast) {
      if (deck.isEmpty()) {
        deck.addAll(List.of(Kill.LEADER, Kill.STANDBY, Kill.WORKER, Kill.WORKER));
        Collections.shuffle(deck, random);
      }
      Mark before = job.mark();
      kills +=
          switch (deck.remove(0)) {
            case LEADER -> killLeader(before);
            case STANDBY -> killStandby(before);
            case WORKER -> killWorkers(before);
          };
      job.assertNoCommitIsLost();
      cluster.assertLeavesNothing();
      FaultRun.during(Duration.ofMillis(random.nextInt(5000)));
    }
  }

  private int killLeader(Mark before) throws Exception {
    String leader = cluster.clients().leader();
    String other = FaultClients.otherThan(leader);
    cluster.clients().speakTo(other);
    job.strike();
    cluster.at(Post.coordinator(leader)).kill();
    double led = cluster.clients().untilLeads(other, FaultRun.LED).toMillis() / 1000.0;
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    job.tell(table, "leading coordinator killed (-9)", List.of(led), before);
    return 1;
  }

  private int killStandby(Mark before) throws Exception {
    String leader = cluster.clients().leader();
    cluster.clients().speakTo(leader);
    job.strike();
    cluster.at(Post.coordinator(FaultClients.otherThan(leader))).kill();
    cluster.awaitWhole();
    job.awaitNews();
    assertThat(job.attempt()).isEqualTo(before.attempt());
    job.tell(table, "standby coordinator killed (-9)", before);
    return 1;
  }

  /** Sometimes another one while the job recovers. */
  private int killWorkers(Mark before) throws Exception {
    int kills = 1 + random.nextInt(3) / 2;
    for (int i = 0; i < kills; i++) {
      String host = FaultCluster.HOSTS.get(random.nextInt(FaultCluster.HOSTS.size()));
      job.strike();
      cluster.at(Post.worker(host)).kill();
      cluster.start(Post.worker(host));
      FaultRun.during(Duration.ofMillis(i + 1 < kills ? random.nextInt(8000) : 0));
    }
    cluster.awaitWhole();
    job.awaitRecovery(before);
    job.awaitNews();
    job.tell(table, "worker killed (-9)", before);
    return kills;
  }
}
