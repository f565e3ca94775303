package io.tandem.coordinator.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.TestInbox;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.coordinator.store.Effort;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.Store;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.ProtocolVersion;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import io.tandem.protocol.control.RunningAttempt;
import io.tandem.protocol.control.Sample;
import io.tandem.protocol.control.WorkerView;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Silence and stalls, by clocks that the test sets. */
class WorkerDeskTest {
  private static final JobTiming TIMING = JobTiming.standard();

  /** How long ago the job was placed, by the wall clock, which stands still. */
  private static final Duration PLACED = Duration.ofSeconds(20);

  @TempDir Path directory;
  private final TestInbox<Object> inbox = TestInbox.create();
  private long wall = 1_000_000;
  private long steady = -5_000; // a steady clock may begin anywhere
  private Store store;
  private Ledger ledger;
  private WorkerDesk desk;

  @BeforeEach
  void start() {
    store = Store.open(directory);
    StoredJob job =
        new StoredJob(
            new StoredJob.Header(0, "j", "name", "{}", 1, 1, "", null, "", 1000),
            StoredJobs.row(
                JobState.queued(3).after(new JobEvent.Placed(Set.of("w"))).state(), null, 1000),
            StoredJob.Progress.none(),
            Goodput.moved(
                Effort.none(1000),
                JobState.Status.QUEUED,
                JobState.Status.PLACING,
                wall - PLACED.toMillis()));
    store.lead("test").write(writer -> writer.insert(job));
    ledger = new Ledger(store.lead("test"), new Clocks(() -> wall, () -> steady), false);
    desk = new WorkerDesk(ledger, TIMING, LoggerFactory.getLogger(WorkerDeskTest.class));
    Register register =
        Register.newBuilder()
            .setWorkerId("w")
            .setSlots(1)
            .setProtocolVersion(ProtocolVersion.PROTOCOL_VERSION)
            .addRunning(running())
            .build();
    desk.register(register, inbox.getRef());
    pass(Duration.ofSeconds(2), true); // by which the patience after a restart is used up
  }

  @AfterEach
  void stop() {
    store.close();
  }

  private static RunningAttempt running() {
    return RunningAttempt.newBuilder().setJobId("j").setAttempt(1).addRanks(0).build();
  }

  /** Of a worker of two slots that runs nothing. */
  private void register(long round) {
    Register register =
        Register.newBuilder()
            .setWorkerId("w")
            .setSlots(2)
            .setProtocolVersion(ProtocolVersion.PROTOCOL_VERSION)
            .setRound(round)
            .build();
    desk.register(register, inbox.getRef());
  }

  private void beat() {
    desk.heartbeat(Heartbeat.newBuilder().setWorkerId("w").addRunning(running()).build());
  }

  /** Ticks as often as the manager does. */
  private void pass(Duration time, boolean beats) {
    for (long ms = 0; ms < time.toMillis(); ms += TIMING.tick().toMillis()) {
      steady += TIMING.tick().toMillis();
      if (beats) {
        beat();
      }
      desk.tick();
    }
  }

  private String state() {
    return ledger.find("j").orElseThrow().status().state();
  }

  @Test
  void shouldLoseNobodyWhenTheWallClockIsSet() {
    for (long jump : new long[] {3_600_000, -7_200_000}) {
      wall += jump;
      pass(Duration.ofSeconds(2), false);
      assertThat(ledger.workers().find("w")).isPresent();
      assertThat(state()).isEqualTo("PLACING");
    }
    assertThat(
            Overviews.view(ledger.workers().find("w").orElseThrow(), Map.of(), List.of(), ledger))
        .extracting(WorkerView::getHeartbeatAt)
        .isEqualTo(wall - 4_000);
  }

  @Test
  void shouldLoseAWorkerThatIsSilent() {
    pass(Duration.ofSeconds(8), false);
    assertThat(state()).isEqualTo("PLACING");
    pass(Duration.ofSeconds(1), false);
    assertThat(ledger.workers().find("w")).isEmpty();
    assertThat(state()).isEqualTo("RECOVERING");
  }

  @Test
  void shouldLookAtTheQueueAgainWhenALostWorkerIsHeardToHear() {
    pass(Duration.ofSeconds(9), false);
    register(1);
    Heartbeat beat = Heartbeat.newBuilder().setWorkerId("w").setRound(1).build();
    assertThat(ledger.workers().slots(Map.of()).get(0).free()).isZero();
    assertThat(desk.heartbeat(beat)).isTrue();
    assertThat(ledger.workers().slots(Map.of()).get(0).free()).isEqualTo(2);
    assertThat(desk.heartbeat(beat)).isFalse();
  }

  /** After a cut what was sent during it comes, too, and by way of another coordinator later. */
  @Test
  void shouldPlaceNothingOnALostWorkerByWhatItSaidBeforeItCameBack() {
    pass(Duration.ofSeconds(9), false);
    inbox.getAllReceived();
    register(2);
    Heartbeat late =
        Heartbeat.newBuilder().setWorkerId("w").setRound(1).addRunning(running()).build();
    assertThat(desk.heartbeat(late)).isFalse();
    register(1);
    assertThat(ledger.workers().slots(Map.of()).get(0).free()).isZero();
    assertThat(inbox.getAllReceived()).hasOnlyElementsOfType(Registered.class).hasSize(1);
    assertThat(desk.heartbeat(late.toBuilder().setRound(2).clearRunning().build())).isTrue();
    assertThat(ledger.workers().slots(Map.of()).get(0).free()).isEqualTo(2);
  }

  @Test
  void shouldCountFromItsStartWhereItHasHeardNobody() throws Exception {
    ledger = new Ledger(store.lead("next"), new Clocks(() -> wall, () -> steady), false);
    desk = new WorkerDesk(ledger, TIMING, LoggerFactory.getLogger(WorkerDeskTest.class));
    pass(TIMING.readopt(), false);
    assertThat(state()).isEqualTo("PLACING");
    pass(TIMING.tick(), false);
    assertThat(detectionSeconds()).isEqualTo(10.5);
  }

  @Test
  void shouldNotGiveUpBeforeTheTimeToRegisterIsOverWhatItHasHeardOnce() {
    ledger = new Ledger(store.lead("next"), new Clocks(() -> wall, () -> steady), false);
    desk = new WorkerDesk(ledger, TIMING, LoggerFactory.getLogger(WorkerDeskTest.class));
    register(1);
    beat();
    pass(TIMING.readopt(), false);
    assertThat(state()).isEqualTo("PLACING");
    pass(TIMING.tick(), false);
    assertThat(state()).isEqualTo("RECOVERING");
  }

  @Test
  void shouldStoreWhatOthersSayWhereOneReportCannotBeStored() {
    Sample twice = Sample.newBuilder().setPlace(1).build();
    Evaluated evaluated = Evaluated.newBuilder().addSamples(twice).addSamples(twice).build();
    Reports bad = said("w", Report.newBuilder().setEvaluated(evaluated));
    Reports good = said("v", Report.newBuilder().setNotice(Notice.newBuilder().setText("well")));
    desk.reports(List.of(bad, good));
    assertThat(store.<Long>read(reader -> reader.acknowledged("w"))).isEqualTo(1);
    assertThat(store.<Long>read(reader -> reader.acknowledged("v"))).isEqualTo(1);
    List<Rows.Event> events = store.read(reader -> reader.events("j", 0, 10));
    assertThat(events).hasSize(2).extracting(Rows.Event::type).containsOnly("notice");
    assertThat(events.get(0).data())
        .contains("REPORT_REFUSED", "EVALUATED", "worker w", "attempt 1 of j", "samples");
    assertThat(events.get(1).data()).contains("well");
  }

  @Test
  void shouldNotPassOverAReportWhereTheStoreItselfFails() throws Exception {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("tandem.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE logs");
      Reports said =
          said("w", Report.newBuilder().setLog(LogLines.newBuilder().addLines("a line")));
      assertThatThrownBy(() -> desk.reports(List.of(said))).hasMessageContaining("logs");
    }
    assertThat(store.<Long>read(reader -> reader.acknowledged("w"))).isZero();
    assertThat(store.<List<Rows.Event>>read(reader -> reader.events("j", 0, 10))).isEmpty();
  }

  private static Reports said(String worker, Report.Builder report) {
    report.setWorkerId(worker).setSequence(1).setJobId("j").setAttempt(1);
    return Reports.newBuilder().addReports(report).build();
  }

  /** It hears all workers well, and what one of them says was said while nobody led. */
  @Test
  void shouldTellHowLongAPeerWasMissedThoughThisLeaderIsNew() throws Exception {
    ledger = new Ledger(store.lead("next"), new Clocks(() -> wall, () -> steady), false);
    desk = new WorkerDesk(ledger, TIMING, LoggerFactory.getLogger(WorkerDeskTest.class));
    assertThat(detectionSeconds(ended(Outcome.LOST_PEER, 5_000), wall - 3_000)).isEqualTo(8);
  }

  @Test
  void shouldTellHowLongAWorkersOwnFailureWasUnderWay() throws Exception {
    assertThat(detectionSeconds(ended(Outcome.FAILED_RETRYABLE, 200), wall - 1_300)).isEqualTo(1.5);
  }

  @Test
  void shouldNotTakeAFailureForOlderThanTheAttempt() throws Exception {
    assertThat(detectionSeconds(ended(Outcome.LOST_PEER, 3_600_000), wall))
        .isEqualTo(PLACED.toSeconds());
  }

  @Test
  void shouldNotTakeAFailureForOneToCome() throws Exception {
    assertThat(detectionSeconds(ended(Outcome.LOST_PEER, 0), wall + 5_000)).isZero();
  }

  private static AttemptEnded.Builder ended(Outcome outcome, long sinceMillis) {
    return AttemptEnded.newBuilder().setOutcome(outcome).setSinceMillis(sinceMillis);
  }

  /** Of the failure that is reported as of that time. */
  private double detectionSeconds(AttemptEnded.Builder ended, long time) throws Exception {
    Report.Builder report = Report.newBuilder().setEnded(ended).setTimeMillis(time);
    desk.reports(List.of(said("w", report)));
    return detectionSeconds();
  }

  private double detectionSeconds() throws Exception {
    assertThat(state()).isEqualTo("RECOVERING");
    Rows.Event failure =
        store.<List<Rows.Event>>read(reader -> reader.events("j", 0, 10)).stream()
            .filter(event -> event.type().equals("failure"))
            .findFirst()
            .orElseThrow();
    return new ObjectMapper().readTree(failure.data()).get("detectionSeconds").asDouble();
  }

  @Test
  void shouldTakeItsOwnStallForNobodysSilence() {
    pass(Duration.ofSeconds(4), false);
    steady += 60_000;
    desk.tick();
    assertThat(ledger.workers().find("w")).isPresent();
    assertThat(state()).isEqualTo("PLACING");
    pass(Duration.ofSeconds(5), false);
    assertThat(state()).isEqualTo("RECOVERING");
  }

  @Test
  void shouldNotWaitForEverForAnAttemptThatDoesNotEnd() {
    ledger.change(batch -> batch.apply("j", new JobEvent.Cancel()));
    pass(Duration.ofSeconds(59), true);
    assertThat(state()).isEqualTo("CANCELLING");
    pass(Duration.ofSeconds(3), true);
    assertThat(state()).isEqualTo("CANCELLED");
    beat();
    assertThat(ledger.workers().slots(ledger.usedSlots()).get(0).free())
        .as("what hangs holds its slots")
        .isZero();
  }

  @Test
  void shouldKeepWhatALostWorkerSaysAfterTheJobHasEnded() {
    ledger.change(batch -> batch.apply("j", new JobEvent.Cancel()));
    pass(Duration.ofSeconds(9), false);
    ledger.removeEnded();
    assertThat(ledger.jobs().all()).isEmpty();
    CheckpointCommitted checkpoint = CheckpointCommitted.newBuilder().setPath("/c/7").build();
    desk.reports(
        List.of(
            Reports.newBuilder()
                .addReports(said(1, "j").setCheckpoint(checkpoint))
                .addReports(said(2, "deleted").setCheckpoint(checkpoint))
                .addReports(
                    said(3, "j").setEnded(AttemptEnded.newBuilder().setOutcome(Outcome.STOPPED)))
                .build()));
    assertThat(store.<List<Rows.Event>>read(reader -> reader.events("j", 0, 10)))
        .extracting(Rows.Event::type)
        .containsExactly("state", "state", "checkpoint", "ended");
    assertThat(store.<List<Rows.Checkpoint>>read(reader -> reader.checkpoints("j"))).hasSize(1);
    assertThat(store.<Long>read(reader -> reader.acknowledged("w"))).isEqualTo(3);
    assertThat(state()).isEqualTo("CANCELLED");
  }

  private static Report.Builder said(long sequence, String jobId) {
    return Report.newBuilder().setWorkerId("w").setSequence(sequence).setJobId(jobId).setAttempt(1);
  }
}
