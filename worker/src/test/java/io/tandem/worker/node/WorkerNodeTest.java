package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.tandem.protocol.control.Acknowledged;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.MemberMessage;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopAttempt;
import io.tandem.protocol.control.StopMode;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerNodeTest {
  @TempDir Path directory;
  static final String JOB =
      """
      name: small
      mesh: {replicas: 1, shards: 2}
      data:
        {format: idx, path: /data, imageHeight: 28, imageWidth: 28, channels: 1, classes: 10}
      model: {family: wide-resnet}
      training: {steps: 10, labeledBatch: 8}
      """;

  private final FakeStarter starter = new FakeStarter();
  private int port;
  private FakeCoordinator coordinator;
  private WorkerNode worker;
  private Register register;
  private WorkerSettings settings;

  @BeforeEach
  void start() throws Exception {
    port = FakeCoordinator.freePort();
    coordinator = new FakeCoordinator(port);
    settings =
        WorkerSettings.local(
            List.of(InetSocketAddress.createUnresolved("127.0.0.1", port)),
            2,
            "127.0.0.1",
            directory,
            4);
    worker = WorkerNode.start(settings, starter);
    register = coordinator.expect(Register.class);
  }

  @AfterEach
  void stop() {
    coordinator.tell(Acknowledged.newBuilder().setUpToSequence(Long.MAX_VALUE).build());
    worker.close();
    coordinator.close();
  }

  private void accept() {
    coordinator.tell(
        Registered.newBuilder().setWorkerId(worker.workerId()).setHeartbeatMillis(50).build());
  }

  private StartAttempt start(String job, int attempt, int shards) {
    StartAttempt.Builder message =
        StartAttempt.newBuilder()
            .setJobId(job)
            .setAttempt(attempt)
            .setReplicas(1)
            .setShards(shards)
            .setJob(ByteString.copyFromUtf8(JOB));
    for (int rank = 0; rank < shards; rank++) {
      message.addMembers(
          MemberMessage.newBuilder().setRank(rank).setWorkerId(worker.workerId()).setPort(9));
    }
    return message.build();
  }

  /** The next report with an end, acknowledged with all before it. */
  private Report expectEnd() throws InterruptedException {
    while (true) {
      for (Report report : coordinator.expect(Reports.class).getReportsList()) {
        coordinator.tell(Acknowledged.newBuilder().setUpToSequence(report.getSequence()).build());
        if (report.hasEnded()) {
          return report;
        }
      }
    }
  }

  private Heartbeat expectLeaving() throws InterruptedException {
    Heartbeat heartbeat = coordinator.expect(Heartbeat.class);
    while (!heartbeat.getLeaving()) {
      heartbeat = coordinator.expect(Heartbeat.class);
    }
    return heartbeat;
  }

  @Test
  void shouldSayWhatItOffersUntilItIsAnswered() throws Exception {
    assertThat(worker.obstacle()).contains("no coordinator has registered this worker");
    assertThat(register.getSlots()).isEqualTo(2);
    assertThat(register.getProtocolVersion()).isEqualTo(ProtocolVersion.PROTOCOL_VERSION);
    assertThat(register.getDataPort()).isPositive();
    assertThat(coordinator.expect(Register.class)).isEqualTo(register);
    accept();
    assertThat(coordinator.expect(Heartbeat.class).getWorkerId()).isEqualTo(worker.workerId());
    assertThat(worker.obstacle()).isEmpty();
  }

  @Test
  void shouldTellWhatItSaysBeforeItRegistersAgainFromWhatItSaysAfter() throws Exception {
    accept();
    assertThat(coordinator.expect(Heartbeat.class).getRound()).isEqualTo(register.getRound());
    Register again = coordinator.expect(Register.class); // its heartbeats are not answered
    assertThat(again.getRound()).isEqualTo(register.getRound() + 1);
    assertThat(coordinator.expect(Register.class).getRound()).isEqualTo(again.getRound());
    accept();
    assertThat(coordinator.expect(Heartbeat.class).getRound()).isEqualTo(again.getRound());
  }

  /** Hosts' clocks differ: here by five minutes, which nothing that is stored may show. */
  @Test
  void shouldStampReportsByTheCoordinatorsClock() throws Exception {
    long coordinators = System.currentTimeMillis() - Duration.ofMinutes(5).toMillis();
    coordinator.tell(
        Registered.newBuilder()
            .setWorkerId(worker.workerId())
            .setHeartbeatMillis(50)
            .setNowMillis(coordinators)
            .build());
    coordinator.tell(start("j", 1, 2));
    FakeStarter.Run run = starter.await();
    run.listener().started(AttemptStarted.getDefaultInstance());
    assertThat(coordinator.expect(Reports.class).getReports(0).getTimeMillis())
        .isBetween(coordinators, coordinators + Duration.ofMinutes(1).toMillis());
    run.end(Outcome.COMPLETED);
    expectEnd();
  }

  @Test
  void shouldRunAnAttemptAndReportUntilAcknowledged() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 2));
    coordinator.tell(start("j", 1, 2)); // a repeated message starts nothing
    FakeStarter.Run run = starter.await();
    assertThat(run.plan().roster().members()).hasSize(2);
    assertThat(run.plan().directory()).isEqualTo(directory.resolve("j"));
    assertThat(run.plan().threads()).isEqualTo(2);
    run.listener().started(AttemptStarted.getDefaultInstance());
    run.listener().progress(Progress.newBuilder().setStep(3).build());
    Report first = coordinator.expect(Reports.class).getReports(0);
    assertThat(first.getSequence()).isEqualTo(1);
    assertThat(first.hasStarted()).isTrue();
    Reports again = coordinator.expect(Reports.class);
    assertThat(again.getReportsList()).extracting(Report::getSequence).containsExactly(1L, 2L);
    run.end(Outcome.COMPLETED);
    Report end = expectEnd();
    assertThat(end.getSequence()).isEqualTo(3);
    assertThat(end.getEnded().getRanksList()).containsExactly(0, 1);
    assertThat(starter.idle()).isTrue();
  }

  @Test
  void shouldPassOnAStop() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 1));
    FakeStarter.Run run = starter.await();
    coordinator.tell(
        StopAttempt.newBuilder().setJobId("j").setAttempt(1).setMode(StopMode.CANCEL).build());
    assertThat(run.awaitStop()).isEqualTo(StopMode.CANCEL);
    run.end(Outcome.STOPPED);
  }

  @Test
  void shouldBeginALaterAttemptOnlyWhenTheOlderHasEnded() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 2));
    FakeStarter.Run first = starter.await();
    coordinator.tell(start("j", 2, 2));
    coordinator.tell(start("j", 3, 2));
    assertThat(first.awaitStop()).isEqualTo(StopMode.ABANDON);
    assertThat(expectEnd().getAttempt()).isEqualTo(2);
    assertThat(starter.idle()).isTrue();
    first.end(Outcome.STOPPED);
    FakeStarter.Run third = starter.await();
    assertThat(third.plan().roster().attempt()).isEqualTo(3);
    third.end(Outcome.COMPLETED);
  }

  @Test
  void shouldRunSeveralJobsWhileSlotsLast() throws Exception {
    accept();
    coordinator.tell(start("a", 1, 1));
    coordinator.tell(start("b", 1, 1));
    FakeStarter.Run a = starter.await();
    FakeStarter.Run b = starter.await();
    coordinator.tell(start("c", 1, 1));
    Report refused = expectEnd();
    assertThat(refused.getEnded().getOutcome()).isEqualTo(Outcome.FAILED_RETRYABLE);
    assertThat(refused.getEnded().getText()).contains("2 slots of which 2 are taken");
    a.end(Outcome.COMPLETED);
    b.end(Outcome.COMPLETED);
  }

  @Test
  void shouldReportAJobThatCannotBeRead() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 1).toBuilder().setJob(ByteString.EMPTY).build());
    Report end = expectEnd();
    assertThat(end.getEnded().getOutcome()).isEqualTo(Outcome.FAILED_FINAL);
    assertThat(end.getEnded().getText()).contains("the job file");
  }

  @Test
  void shouldGoOnWhileTheCoordinatorRestartsAndLoseNoReport() throws Exception {
    accept();
    coordinator.tell(start("j", 7, 1));
    FakeStarter.Run run = starter.await();
    coordinator.close();
    run.listener().progress(Progress.newBuilder().setStep(41).build());
    coordinator = new FakeCoordinator(port);
    Register again = coordinator.expect(Register.class);
    assertThat(worker.obstacle()).as("of use while the coordinator is away").isEmpty();
    assertThat(again.getWorkerId()).isEqualTo(worker.workerId());
    assertThat(again.getRunningList())
        .containsExactly(
            RunningAttempt.newBuilder()
                .setJobId("j")
                .setAttempt(7)
                .setStep(42)
                .addRanks(0)
                .build());
    accept();
    assertThat(coordinator.expect(Reports.class).getReports(0).getProgress().getStep())
        .isEqualTo(41);
    assertThat(run.stops()).isEmpty();
    run.end(Outcome.COMPLETED);
  }

  @Test
  void shouldFailAndStopItsAttemptsWhenTheActorFails() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 1));
    FakeStarter.Run healthy = starter.await();
    coordinator.tell(start(FakeStarter.BROKEN, 1, 1));
    FakeStarter.Run broken = starter.await();
    assertThat(worker.ended().toCompletableFuture())
        .failsWithin(Duration.ofSeconds(20))
        .withThrowableThat()
        .withMessageContaining("a broken attempt");
    assertThat(healthy.awaitStop()).isEqualTo(StopMode.ABANDON);
    assertThat(broken.awaitStop()).isEqualTo(StopMode.ABANDON);
  }

  @Test
  void shouldSayThatItLeavesUntilTheCoordinatorKnows() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 1));
    FakeStarter.Run run = starter.await();
    coordinator.close(); // which hears nothing of the first word
    worker.leave();
    assertThat(run.awaitStop()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
    coordinator = new FakeCoordinator(port);
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> coordinator.expect(Register.class).getLeaving());
    run.end(Outcome.STOPPED);
  }

  @Test
  void shouldAbandonWhatHasNotSavedWithinItsTimeToDrain() throws Exception {
    worker.close();
    worker = WorkerNode.start(settings.with(null, Duration.ofMillis(200)), starter);
    while (!coordinator.expect(Register.class).getWorkerId().equals(worker.workerId())) {
      // of the one that is closed
    }
    accept();
    coordinator.tell(start("j", 1, 1));
    FakeStarter.Run run = starter.await();
    worker.leave();
    assertThat(run.awaitStop()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
    assertThat(run.awaitStop()).isEqualTo(StopMode.ABANDON);
    run.end(Outcome.STOPPED);
  }

  @Test
  void shouldEndWithTheReasonWhenRefused() throws Exception {
    coordinator.tell(Refused.newBuilder().setReason("protocol 1, but 2 is spoken here").build());
    assertThat(worker.ended().toCompletableFuture().get(20, TimeUnit.SECONDS))
        .contains("protocol 1, but 2 is spoken here");
    assertThat(worker.obstacle()).contains("protocol 1, but 2 is spoken here");
  }

  @Test
  void shouldSaveReportAndTakeLeave() throws Exception {
    accept();
    coordinator.tell(start("j", 1, 1));
    FakeStarter.Run run = starter.await();
    worker.leave();
    assertThat(run.awaitStop()).isEqualTo(StopMode.CHECKPOINT_AND_STOP);
    assertThat(expectLeaving().getRunningCount()).isOne();
    coordinator.tell(start("k", 1, 1));
    Report refused = expectEnd();
    assertThat(refused.getJobId()).isEqualTo("k");
    assertThat(refused.getEnded().getOutcome()).isEqualTo(Outcome.STOPPED);
    assertThat(refused.getEnded().getReason()).isEqualTo("WORKER_LEFT");
    run.end(Outcome.STOPPED);
    // What is not acknowledged soon is sent again.
    await().atMost(Duration.ofSeconds(20)).until(() -> expectEnd().getJobId().equals("j"));
    assertThat(expectLeaving().getWorkerId()).isEqualTo(worker.workerId());
    assertThat(worker.ended().toCompletableFuture().get(20, TimeUnit.SECONDS)).isEmpty();
  }
}
