package io.tandem.coordinator.jobs;

import static io.tandem.coordinator.jobs.JobState.Status.CANCELLED;
import static io.tandem.coordinator.jobs.JobState.Status.FAILED;
import static io.tandem.coordinator.jobs.JobState.Status.PAUSED;
import static io.tandem.coordinator.jobs.JobState.Status.PLACING;
import static io.tandem.coordinator.jobs.JobState.Status.QUEUED;
import static io.tandem.coordinator.jobs.JobState.Status.RECOVERING;
import static io.tandem.coordinator.jobs.JobState.Status.RUNNING;
import static io.tandem.coordinator.jobs.JobState.Status.SUCCEEDED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.tandem.coordinator.store.Effort;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.job.JobReason;
import org.junit.jupiter.api.Test;

class GoodputTest {
  /** Times of the test are seconds, those of the code milliseconds since 1970. */
  private static long at(double seconds) {
    return 1_000_000 + (long) (1000 * seconds);
  }

  private static Effort submitted() {
    return Effort.none(at(0));
  }

  /** In the queue for 100 s, then placed, then running from 110 on. */
  private static Effort running() {
    Effort placed = Goodput.moved(submitted(), QUEUED, PLACING, at(100));
    return Goodput.moved(placed, PLACING, RUNNING, at(110));
  }

  private static double ratio(Effort effort, JobState.Status status, double seconds) {
    return Goodput.ratio(effort, status, at(seconds)).orElse(Double.NaN);
  }

  @Test
  void shouldHaveNoRatioBeforeTheJobIsPlaced() {
    assertThat(Goodput.ratio(submitted(), QUEUED, at(100))).isEmpty();
    assertThat(Goodput.placedSeconds(submitted(), QUEUED, at(100))).isZero();
  }

  @Test
  void shouldCountFromThePlacementOnAndOnlyWhatIsCommitted() {
    Effort effort = running();
    assertThat(ratio(effort, RUNNING, 150)).isZero();
    effort = Goodput.trained(effort, 30, at(150));
    assertThat(ratio(effort, RUNNING, 150)).isEqualTo(30 / 50.0);
    assertThat(ratio(effort, RUNNING, 160)).as("steps since the commit").isEqualTo(30 / 60.0);
  }

  @Test
  void shouldNotCountStepsThatALaterAttemptRepeats() {
    Effort effort = Goodput.trained(running(), 50, at(170));
    effort = Goodput.moved(effort, RUNNING, RECOVERING, at(180));
    effort = Goodput.moved(effort, RECOVERING, PLACING, at(190));
    // The newest checkpoint was broken: the attempt begins from the one before it.
    effort = Goodput.trained(effort, 20, effort.committedAt());
    assertThat(ratio(effort, PLACING, 200)).isEqualTo(20 / 100.0);
    assertThat(effort.committedAt()).isEqualTo(at(170));
  }

  @Test
  void shouldCountTheTimeInWhichTheJobRecovers() {
    Effort effort = Goodput.trained(running(), 50, at(170));
    effort = Goodput.moved(effort, RUNNING, RECOVERING, at(200));
    assertThat(ratio(effort, RECOVERING, 300)).isEqualTo(50 / 200.0);
  }

  @Test
  void shouldNotCountAPauseNorTheQueueAfterIt() {
    Effort effort = Goodput.trained(running(), 50, at(195));
    effort = Goodput.moved(effort, RUNNING, PAUSED, at(200));
    assertThat(ratio(effort, PAUSED, 1000)).isEqualTo(50 / 100.0);
    effort = Goodput.moved(effort, PAUSED, QUEUED, at(1000));
    assertThat(ratio(effort, QUEUED, 2000)).isEqualTo(50 / 100.0);
    effort = Goodput.moved(effort, QUEUED, PLACING, at(2000));
    assertThat(effort.placedAt()).isEqualTo(at(2000));
    assertThat(ratio(effort, PLACING, 2100)).isEqualTo(50 / 200.0);
  }

  @Test
  void shouldStandStillOnceTheJobHasEnded() {
    Effort effort = Goodput.trained(running(), 80, at(199));
    effort = Goodput.moved(effort, RUNNING, SUCCEEDED, at(200));
    assertThat(ratio(effort, SUCCEEDED, 9999)).isEqualTo(80 / 100.0);
  }

  @Test
  void shouldNeverExceedOneNorFallBelowZeroWhenTheClockIsSet() {
    Effort effort = Goodput.trained(running(), 80, at(199));
    assertThat(ratio(effort, RUNNING, 111)).isEqualTo(1);
    assertThat(Goodput.placedSeconds(effort, RUNNING, at(-5000))).isEqualTo(10);
    Effort ended = Goodput.moved(effort, RUNNING, CANCELLED, at(-5000));
    assertThat(Goodput.placedSeconds(ended, CANCELLED, at(0))).isEqualTo(10);
  }

  @Test
  void shouldTimeEveryFailureToTheFirstStepOfALaterAttempt() {
    Effort effort = Goodput.failed(running(), 1, 8.5, at(200));
    assertThat(Goodput.stepped(effort, 1, at(201))).as("a late report").isEqualTo(effort);
    effort = Goodput.failed(effort, 2, 0, at(210));
    assertThat(effort.failures()).isEqualTo(2);
    assertThat(effort.recovered()).isZero();
    assertThat(Goodput.recovered(effort, 3))
        .containsExactly(new Effort.Failure(1, at(200)), new Effort.Failure(2, at(210)));
    effort = Goodput.stepped(effort, 3, at(230));
    assertThat(effort.recovered()).isEqualTo(2);
    assertThat(effort.recoverySeconds()).isEqualTo(30 + 20.0, offset(1e-9));
    assertThat(effort.detectionSeconds()).isEqualTo(8.5);
    assertThat(effort.open()).isEmpty();
    assertThat(Goodput.stepped(effort, 3, at(240))).isEqualTo(effort);
  }

  @Test
  void shouldNotRecoverFromWhatAPersonPausedOrWhatEnded() {
    Effort failed = Goodput.failed(running(), 1, 1, at(200));
    assertThat(Goodput.moved(failed, RECOVERING, PAUSED, at(210)).open()).isEmpty();
    assertThat(Goodput.moved(failed, RECOVERING, FAILED, at(210)).open()).isEmpty();
    assertThat(Goodput.moved(failed, RECOVERING, PLACING, at(210)).open()).hasSize(1);
  }

  @Test
  void shouldBoundWhatItRemembersOfFailuresWithoutAStep() {
    Effort effort = running();
    for (int attempt = 1; attempt <= 500; attempt++) {
      effort = Goodput.failed(effort, attempt, 1, at(attempt));
    }
    assertThat(effort.open()).hasSize(100);
    assertThat(effort.failures()).isEqualTo(500);
  }

  @Test
  void shouldCallAFailureOnlyWhatNobodyWanted() {
    assertThat(new JobEvent.Lost(1, "a", "silent").isFailure()).isTrue();
    assertThat(new JobEvent.Cancel().isFailure()).isFalse();
    for (Outcome outcome : Outcome.values()) {
      boolean fails =
          outcome == Outcome.LOST_PEER
              || outcome == Outcome.FAILED_RETRYABLE
              || outcome == Outcome.FAILED_FINAL;
      if (outcome != Outcome.UNRECOGNIZED) {
        var event = new JobEvent.Ended(1, "a", outcome, JobReason.NONE, "", "");
        assertThat(event.isFailure()).as(outcome.name()).isEqualTo(fails);
      }
    }
  }
}
