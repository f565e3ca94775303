package io.tandem.coordinator.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.javadsl.Behaviors;
import akka.pattern.StatusReply;
import io.tandem.coordinator.TestJobs;
import io.tandem.coordinator.store.Database;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.SubmitJob;
import io.tandem.protocol.control.ViewCluster;
import io.tandem.protocol.job.JobFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.event.Level;

/**
 * What a manager has taken and not stored yet, when it fails, stops, or gets very much at once. A
 * heartbeat makes it look at its clock, by which the test holds it up, or makes it fail.
 */
class JobManagerTest {
  private static final Duration LONG = Duration.ofSeconds(20);

  /** The manager looks at nothing of its own accord. */
  private static final JobTiming STILL =
      new JobTiming(
          Duration.ofHours(1),
          Duration.ofHours(1),
          Duration.ofHours(1),
          Duration.ofHours(1),
          Duration.ofHours(1));

  private static final Heartbeat LOOK = Heartbeat.newBuilder().setWorkerId("nobody").build();

  @TempDir Path directory;
  private final ActorTestKit kit = ActorTestKit.create();
  private final TestProbe<Object> asker = kit.createTestProbe();
  private final Queue<Runnable> looks = new ConcurrentLinkedQueue<>();
  private final Queue<Runnable> walls = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<String> steppedDown = new CompletableFuture<>();
  private Store store;
  private ActorRef<Object> manager;

  /** Stops the manager as soon as it has a moment, and then counts down. */
  private ActorRef<CountDownLatch> parent;

  @BeforeEach
  void start() throws Exception {
    store = Store.open(directory);
    Clocks clocks = new Clocks(() -> read(walls), () -> read(looks));
    CompletableFuture<ActorRef<Object>> spawned = new CompletableFuture<>();
    parent =
        kit.spawn(
            Behaviors.setup(
                context -> {
                  ActorRef<Object> child =
                      context.spawn(
                          ControlPlane.supervised(
                              JobManager.create(store, "test", STILL, false, clocks), steppedDown),
                          "manager");
                  spawned.complete(child);
                  return Behaviors.receiveMessage(
                      stopped -> {
                        context.stop(child);
                        stopped.countDown();
                        return Behaviors.same();
                      });
                }));
    manager = spawned.get(LONG.toSeconds(), TimeUnit.SECONDS);
    manager.tell(ViewCluster.newBuilder().setReplyTo(address(asker)).build());
    answer();
  }

  @AfterEach
  void stop() {
    kit.shutdownTestKit();
    store.close();
  }

  private static long read(Queue<Runnable> disturbances) {
    Runnable disturbance = disturbances.poll();
    if (disturbance != null) {
      disturbance.run();
    }
    return System.nanoTime() / 1_000_000;
  }

  private static void fail() {
    throw new IllegalStateException("a failure of the test's");
  }

  private String address(TestProbe<Object> probe) {
    return ActorRefResolver.get(kit.system()).toSerializationFormat(probe.getRef());
  }

  /** The manager finds all that is told meanwhile at once. */
  private void atOnce(Runnable tell) throws InterruptedException {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    looks.add(
        () -> {
          held.countDown();
          await(told);
        });
    manager.tell(LOOK);
    assertThat(held.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    tell.run();
    told.countDown();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void submit() {
    manager.tell(job(1).build());
  }

  private SubmitJob.Builder job(int shards) {
    byte[] yaml = TestJobs.yaml(1, shards).getBytes(StandardCharsets.UTF_8);
    String json = new String(JobFiles.toJson(JobFiles.parse(yaml)), StandardCharsets.UTF_8);
    return SubmitJob.newBuilder().setJob(json).setReplyTo(address(asker));
  }

  private StatusReply<?> answer() {
    return asker.expectMessageClass(StatusReply.class, LONG);
  }

  private List<String> storedJobs() {
    return store.read(
        reader -> reader.unfinished().stream().map(StoredJob::header).map(h -> h.id()).toList());
  }

  @Test
  void shouldStoreASubmitThatItTookBeforeItFailed() throws Exception {
    atOnce(
        () -> {
          looks.add(JobManagerTest::fail);
          submit();
          manager.tell(LOOK);
        });
    JobSubmitted submitted = (JobSubmitted) answer().getValue();
    assertThat(submitted.getCreated()).isTrue();
    assertThat(storedJobs()).containsExactly(submitted.getJobId());
    assertThat(looks).as("it has failed").isEmpty();
    assertThat(steppedDown).isNotDone();
  }

  /** While a database is away that is every few seconds. */
  @Test
  void shouldSayInOneLineThatTheStoreDoesNotAnswer() {
    Store unreached = Store.of(new Database("jdbc:postgresql://127.0.0.1:1/none", "nobody", ""));
    looks.add(unreached::check);
    String line =
        "the manager of the jobs starts again: the database .* cannot be reached: .* not reached yet";
    LoggingTestKit.empty() // nothing else is said until it answers again
        .withCustom(
            event -> !event.level().equals(Level.INFO) && !event.level().equals(Level.DEBUG))
        .withOccurrences(0)
        .expect(
            kit.system(),
            () ->
                LoggingTestKit.warn("")
                    .withMessageRegex(line)
                    .withCustom(event -> event.getThrowable().isEmpty())
                    .expect(
                        kit.system(),
                        () -> {
                          manager.tell(LOOK);
                          submit();
                          return answer();
                        }));
    unreached.close();
    walls.add(JobManagerTest::fail);
    LoggingTestKit.error(IllegalStateException.class)
        .withMessageContains("the manager of the jobs fails, and starts again unless it stops")
        .withOccurrences(1)
        .expect(
            kit.system(),
            () -> {
              submit();
              return answer();
            });
  }

  @Test
  void shouldNotStoreLaterWhatItSaidItDidNot() {
    walls.add(JobManagerTest::fail);
    submit();
    StatusReply<?> refused = answer();
    assertThat(refused.isError()).isTrue();
    assertThat(refused.getError())
        .hasMessageContaining("most likely nothing was changed")
        .hasMessageEndingWith(": a failure of the test's");
    submit();
    JobSubmitted submitted = (JobSubmitted) answer().getValue();
    assertThat(storedJobs()).containsExactly(submitted.getJobId());
    asker.expectNoMessage();
  }

  @Test
  void shouldTellWhoSubmitsThatAnotherLeadsBeforeItIsStored() throws Exception {
    atOnce(
        () -> {
          store.lead("another");
          submit();
          submit();
        });
    assertThat(answer().isError()).isTrue();
    assertThat(answer().isError()).isTrue();
    assertThat(storedJobs()).isEmpty();
    assertThat(steppedDown).succeedsWithin(LONG);
  }

  @Test
  void shouldTellWhoSubmitsThatItStopsBeforeItIsStored() throws Exception {
    CountDownLatch stopped = new CountDownLatch(1);
    CountDownLatch taken = new CountDownLatch(1);
    atOnce(
        () -> {
          looks.add(
              () -> {
                taken.countDown();
                await(stopped);
              });
          submit();
          manager.tell(LOOK);
        });
    await(taken);
    parent.tell(stopped);
    StatusReply<?> refused = answer();
    assertThat(refused.isError()).isTrue();
    assertThat(refused.getError())
        .hasMessage("not stored: this coordinator leads no longer; try again");
    assertThat(storedJobs()).isEmpty();
  }

  @Test
  void shouldKeepAnIdempotencyKeyToOneBodyAmongWhatIsStoredTogether() throws Exception {
    atOnce(
        () -> {
          manager.tell(job(1).setIdempotencyKey("k").build());
          manager.tell(job(1).setIdempotencyKey("k").build());
          manager.tell(job(2).setIdempotencyKey("k").build());
        });
    JobSubmitted first = (JobSubmitted) answer().getValue();
    assertThat(first.getCreated()).isTrue();
    JobSubmitted repeated = first.toBuilder().setCreated(false).build();
    assertThat(answer().getValue()).isEqualTo(repeated);
    assertThat(answer().getValue()).isEqualTo(repeated.toBuilder().setConflict(true).build());
    assertThat(storedJobs()).containsExactly(first.getJobId());
  }

  /** However much lies there, one transaction holds it all up only for so long. */
  @Test
  void shouldStoreABurstOfReportsInSeveralTransactions() throws Exception {
    TestProbe<Object> worker = kit.createTestProbe();
    manager.tell(
        Register.newBuilder()
            .setWorkerId("w")
            .setSlots(1)
            .setProtocolVersion(ProtocolVersion.PROTOCOL_VERSION)
            .setReplyTo(address(worker))
            .build());
    worker.expectMessageClass(Registered.class, LONG);
    atOnce(
        () -> {
          for (int message = 0; message < 7; message++) {
            manager.tell(notices(700 * message, 700));
          }
        });
    // Each is of the messages by which there are 2,000 reports or more, the last of what is left.
    for (long stored : new long[] {2_100, 4_200, 4_900}) {
      assertThat(worker.expectMessageClass(Acknowledged.class, LONG).getUpToSequence())
          .isEqualTo(stored);
    }
    assertThat(store.<Long>read(reader -> reader.acknowledged("w"))).isEqualTo(4_900);
    worker.expectNoMessage();
  }

  private static Reports notices(int after, int count) {
    Reports.Builder reports = Reports.newBuilder();
    for (int i = 1; i <= count; i++) {
      reports.addReports(
          Report.newBuilder()
              .setWorkerId("w")
              .setSequence(after + i)
              .setJobId("j")
              .setNotice(Notice.newBuilder().setText("well")));
    }
    return reports.build();
  }
}
