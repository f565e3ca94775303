package io.tandem.coordinator.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.pattern.StatusReply;
import io.tandem.coordinator.TestJobs;
import io.tandem.coordinator.TestPostgres;
import io.tandem.coordinator.store.Leadership;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ClusterView;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.SubmitJob;
import io.tandem.protocol.control.ViewCluster;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Coordinators whose hosts' clocks are five minutes off, on one database. */
class ClockTest {
  private static final Duration OFF = Duration.ofMinutes(5);
  private static final Duration LONG = Duration.ofSeconds(30);

  private final ActorTestKit kit = ActorTestKit.create();
  private final Store store = Store.of(TestPostgres.fresh());

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
    store.close();
  }

  private ActorRef<Object> manager(Duration off) throws Exception {
    store.awaitOpen(LONG);
    Clocks clocks =
        new Clocks(
            () -> System.currentTimeMillis() + off.toMillis(), () -> System.nanoTime() / 1_000_000);
    return kit.spawn(JobManager.create(store, "h" + off, JobTiming.standard(), false, clocks));
  }

  private String replyTo(TestProbe<StatusReply<Object>> probe) {
    return ActorRefResolver.get(kit.system()).toSerializationFormat(probe.ref());
  }

  private Object answer(TestProbe<StatusReply<Object>> probe) {
    return probe.receiveMessage(LONG).getValue();
  }

  @Test
  void shouldTellTheDatabasesTimeWhateverTheHostsClockShows() throws Exception {
    TestProbe<StatusReply<Object>> probe = kit.createTestProbe();
    for (Duration off : new Duration[] {OFF, OFF.negated()}) {
      ActorRef<Object> manager = manager(off);
      long before = System.currentTimeMillis();
      manager.tell(
          SubmitJob.newBuilder().setJob(TestJobs.yaml(1, 1)).setReplyTo(replyTo(probe)).build());
      String id = ((JobSubmitted) answer(probe)).getJobId();
      manager.tell(ViewCluster.newBuilder().setReplyTo(replyTo(probe)).build());
      ClusterView view = (ClusterView) answer(probe);
      long after = System.currentTimeMillis();
      StoredJob job = store.read(reader -> reader.job(id)).orElseThrow();
      // The database of this test is on this host; one second for its clock's ticks.
      assertThat(job.header().createdAt()).isBetween(before - 1000, after + 1000);
      assertThat(view.getNow()).isBetween(before - 1000, after + 1000);
      assertThat(view.getQueueMillis()).isLessThan(OFF.toMillis() / 2);
      kit.stop(manager, LONG);
    }
  }

  @Test
  void shouldCountOnFromTheDatabasesTime() throws Exception {
    store.awaitOpen(LONG);
    Leadership leadership = store.lead("one");
    long first = leadership.now();
    assertThat(first).isCloseTo(System.currentTimeMillis(), within(1000L));
    leadership.write(writer -> {});
    assertThat(leadership.now()).isGreaterThanOrEqualTo(first - 10);
  }
}
