package io.tandem.coordinator.jobs;

import static io.tandem.protocol.control.StopMode.ABANDON;
import static io.tandem.protocol.control.StopMode.CANCEL;
import static io.tandem.protocol.control.StopMode.CHECKPOINT_AND_STOP;
import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.jobs.JobState.Status;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.JobReason;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class JobStateTest {
  private static final JobEvent.Placed PLACED = new JobEvent.Placed(Set.of("a", "b"));
  private static final JobEvent CANCELLED = new JobEvent.Cancel();
  private static final JobEvent PAUSED = new JobEvent.Pause();
  private static final JobEvent RESUMED = new JobEvent.Resume();

  private static JobEvent started(String worker) {
    return new JobEvent.Started(1, worker);
  }

  private static JobEvent ended(int attempt, String worker, Outcome outcome, String model) {
    return new JobEvent.Ended(attempt, worker, outcome, JobReason.LOST_PEER, "because", model);
  }

  private static JobEvent ended(String worker, Outcome outcome) {
    return ended(1, worker, outcome, "");
  }

  private static JobEvent lost(String worker) {
    return new JobEvent.Lost(1, worker, "silent");
  }

  private static JobState after(JobEvent... events) {
    JobState state = JobState.queued(1);
    for (JobEvent event : events) {
      state = state.after(event).state();
    }
    return state;
  }

  private static JobState running(JobEvent... events) {
    return after(
        Stream.concat(Stream.of(PLACED, started("a"), started("b")), Stream.of(events))
            .toArray(JobEvent[]::new));
  }

  private static void assertStops(JobState state, JobEvent event, StopMode mode, String... who) {
    assertThat(state.after(event).commands())
        .containsExactly(new JobCommand.Stop(state.attempt(), mode, Set.of(who)));
  }

  @Test
  void shouldRunOnceEveryWorkerHasStarted() {
    assertThat(after().after(PLACED).commands())
        .containsExactly(new JobCommand.Start(1, Set.of("a", "b")));
    assertThat(after(PLACED, started("a")).status()).isEqualTo(Status.PLACING);
    assertThat(running().status()).isEqualTo(Status.RUNNING);
  }

  @Test
  void shouldSucceedByTheWordOfTheWorkerThatExportedTheModel() {
    assertThat(running(ended("b", Outcome.COMPLETED)).status()).isEqualTo(Status.RUNNING);
    JobState done = running(ended("b", Outcome.COMPLETED), ended(1, "a", Outcome.COMPLETED, "/m"));
    assertThat(done.status()).isEqualTo(Status.SUCCEEDED);
    assertThat(done.modelPath()).isEqualTo("/m");
    JobState beforeTheOthers = running(ended(1, "a", Outcome.COMPLETED, "/m"), lost("b"));
    assertThat(beforeTheOthers.status()).isEqualTo(Status.SUCCEEDED);
  }

  @Test
  void shouldRecoverFromALostWorkerOnceTheOthersHaveEnded() {
    assertStops(running(), lost("a"), ABANDON, "b");
    JobState recovering = running(lost("a"));
    assertThat(recovering.status()).isEqualTo(Status.RECOVERING);
    assertThat(recovering.isPlaceable()).isFalse();
    JobState drained = running(lost("a"), ended("b", Outcome.STOPPED));
    assertThat(drained.isPlaceable()).isTrue();
    JobState again = drained.after(PLACED).state();
    assertThat(again.attempt()).isEqualTo(2);
    assertThat(again.restarts()).isEqualTo(1);
  }

  @Test
  void shouldRecoverWhileStillPlacing() {
    assertThat(after(PLACED, started("a"), lost("b")).status()).isEqualTo(Status.RECOVERING);
  }

  @Test
  void shouldFailAfterTooManyRestarts() {
    JobState second = running(lost("a"), lost("b"), PLACED);
    JobState failed = second.after(new JobEvent.Lost(2, "a", "silent")).state();
    assertThat(failed.status()).isEqualTo(Status.FAILED);
    assertThat(failed.reason()).isEqualTo(JobReason.TOO_MANY_RESTARTS);
    assertThat(failed.text()).contains("1 times").contains("silent");
  }

  @Test
  void shouldCountRestartsAnewAfterACheckpoint() {
    JobState second = running(lost("a"), lost("b"), PLACED, new JobEvent.Checkpointed(2));
    assertThat(second.restarts()).isZero();
    assertThat(second.after(new JobEvent.Lost(2, "a", "silent")).state().status())
        .isEqualTo(Status.RECOVERING);
  }

  @Test
  void shouldFailByOneWorkersVerdictEvenAfterABrokenConnection() {
    JobEvent verdict =
        new JobEvent.Ended(1, "b", Outcome.FAILED_FINAL, JobReason.DIVERGED, "NaN", "");
    JobState failed = running(ended("a", Outcome.LOST_PEER), verdict);
    assertThat(failed.status()).isEqualTo(Status.FAILED);
    assertThat(failed.reason()).isEqualTo(JobReason.DIVERGED);
    assertThat(failed.text()).isEqualTo("NaN");
    assertStops(running(), verdict, ABANDON, "a");
  }

  @Test
  void shouldCancelFromEveryStateBeforeAnEnd() {
    assertThat(after(CANCELLED).status()).isEqualTo(Status.CANCELLED);
    assertThat(after(PAUSED, CANCELLED).status()).isEqualTo(Status.CANCELLED);
    assertStops(after(PLACED), CANCELLED, CANCEL, "a", "b");
    assertStops(running(), CANCELLED, CANCEL, "a", "b");
    JobState cancelling = running(CANCELLED, ended("a", Outcome.STOPPED));
    assertThat(cancelling.status()).isEqualTo(Status.CANCELLING);
    assertThat(running(CANCELLED, ended("a", Outcome.STOPPED), lost("b")).status())
        .isEqualTo(Status.CANCELLED);
    assertStops(running(CANCELLED), lost("a"), ABANDON, "b");
    assertThat(running(lost("a"), CANCELLED, ended("b", Outcome.STOPPED)).status())
        .isEqualTo(Status.CANCELLED);
  }

  @Test
  void shouldPauseAfterACheckpointAndResume() {
    assertStops(running(), PAUSED, CHECKPOINT_AND_STOP, "a", "b");
    JobState paused = running(PAUSED, ended("a", Outcome.STOPPED), ended("b", Outcome.STOPPED));
    assertThat(paused.status()).isEqualTo(Status.PAUSED);
    assertThat(paused.restarts()).isZero();
    assertThat(paused.after(PLACED).state()).isEqualTo(paused);
    assertThat(paused.after(RESUMED).state().status()).isEqualTo(Status.QUEUED);
    assertThat(running(PAUSED, lost("a"), ended("b", Outcome.STOPPED)).status())
        .isEqualTo(Status.PAUSED);
  }

  @Test
  void shouldGoOnWhenResumedBeforeThePauseIsReached() {
    JobState recovering = running(PAUSED, lost("a"));
    assertThat(recovering.pausing()).isTrue();
    JobState resumed = recovering.after(RESUMED).state();
    assertThat(resumed.pausing()).isFalse();
    assertThat(resumed.after(ended("b", Outcome.STOPPED)).state().isPlaceable()).isTrue();
    JobState failed = running(PAUSED, ended("a", Outcome.FAILED_FINAL));
    assertThat(failed.status()).isEqualTo(Status.FAILED);
    assertThat(failed.pausing()).isFalse();
  }

  @Test
  void shouldMoveAwayFromAWorkerThatLeavesWithoutCountingARestart() {
    assertStops(running(), new JobEvent.Draining("a"), CHECKPOINT_AND_STOP, "a", "b");
    JobState moved =
        running(
            new JobEvent.Draining("a"), ended("a", Outcome.STOPPED), ended("b", Outcome.STOPPED));
    assertThat(moved.isPlaceable()).isTrue();
    assertThat(moved.restarts()).isZero();
    assertThat(running(ended("a", Outcome.STOPPED)).wantedStop()).contains(CHECKPOINT_AND_STOP);
  }

  @Test
  void shouldIgnoreWhatAnOldAttemptSays() {
    JobState second = running(lost("a"), lost("b"), PLACED);
    assertThat(second.after(ended("a", Outcome.FAILED_FINAL)).state()).isEqualTo(second);
    assertThat(second.after(started("a")).state()).isEqualTo(second);
    assertThat(second.after(lost("b")).state()).isEqualTo(second);
  }

  /** Every walk through the events, from a number that picks each. */
  @Property
  void shouldKeepItsPromisesOnEveryWalk(
      @ForAll @Size(max = 40) List<@IntRange(max = 99) Integer> walk) {
    JobState state = JobState.queued(2);
    for (int pick : walk) {
      List<JobEvent> events = new ArrayList<>(List.of(PLACED, CANCELLED, PAUSED, RESUMED));
      int attempt = state.attempt();
      for (String worker : List.of("a", "b")) {
        events.add(new JobEvent.Started(attempt, worker));
        events.add(new JobEvent.Lost(attempt, worker, "silent"));
        events.add(new JobEvent.Draining(worker));
        EnumSet.range(Outcome.COMPLETED, Outcome.FAILED_FINAL)
            .forEach(outcome -> events.add(ended(attempt, worker, outcome, "")));
        events.add(ended(attempt, worker, Outcome.COMPLETED, "/m"));
        events.add(ended(attempt - 1, worker, Outcome.FAILED_FINAL, ""));
      }
      events.add(new JobEvent.Checkpointed(state.attempt()));
      JobEvent event = events.get(pick % events.size());
      JobState next = state.after(event).state();
      assertThat(next.isEnd() && next.pausing()).isFalse();
      assertThat(event == RESUMED && next.pausing()).isFalse();
      if (state.status().isEnd()) {
        assertThat(next.status()).isEqualTo(state.status());
        assertThat(next.reason()).isEqualTo(state.reason());
      }
      assertThat(state.active().isEmpty() || next.attempt() == state.attempt()).isTrue();
      assertThat(state.active().isEmpty() || state.active().containsAll(next.active())).isTrue();
      assertThat(next.active()).containsAll(next.waiting());
      if (EnumSet.of(Status.QUEUED, Status.PAUSED, Status.CANCELLED).contains(next.status())) {
        assertThat(next.active()).isEmpty();
      }
      if (EnumSet.of(Status.PLACING, Status.RUNNING, Status.CANCELLING).contains(next.status())) {
        assertThat(next.active()).isNotEmpty();
      }
      state = next;
    }
  }
}
