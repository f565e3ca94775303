package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Report;
import org.junit.jupiter.api.Test;

class OutboxTest {
  private final Outbox outbox = new Outbox();

  private static Report.Builder ended() {
    return Report.newBuilder().setEnded(AttemptEnded.newBuilder());
  }

  @Test
  void shouldSendOneBatchAtATimeAndAlwaysFromTheOldest() {
    outbox.add(ended());
    outbox.add(ended());
    assertThat(outbox.next().getReportsList())
        .extracting(Report::getSequence)
        .containsExactly(1L, 2L);
    outbox.add(ended());
    assertThat(outbox.next().getReportsList()).isEmpty();
    assertThat(outbox.again().getReportsList())
        .extracting(Report::getSequence)
        .containsExactly(1L, 2L, 3L);
    outbox.acknowledge(2);
    assertThat(outbox.next().getReportsList()).extracting(Report::getSequence).containsExactly(3L);
    outbox.acknowledge(3);
    assertThat(outbox.isEmpty()).isTrue();
  }

  @Test
  void shouldIgnoreAnOldAcknowledgement() {
    outbox.add(ended());
    outbox.next();
    outbox.acknowledge(0);
    assertThat(outbox.next().getReportsList()).isEmpty();
    assertThat(outbox.again().getReports(0).getSequence()).isEqualTo(1);
  }

  @Test
  void shouldKeepABatchBelowTheLargestFrameButNeverEmpty() {
    String line = "x".repeat(100 * 1024);
    for (int i = 0; i < 3; i++) {
      outbox.add(Report.newBuilder().setLog(LogLines.newBuilder().addLines(line + line)));
    }
    assertThat(outbox.next().getReportsList()).hasSize(1);
  }

  @Test
  void shouldDropProgressButNoEndWhenTheCoordinatorStaysAway() {
    for (int i = 0; i < Outbox.CROWDED + 5; i++) {
      outbox.add(Report.newBuilder().setProgress(Progress.newBuilder().setStep(i)));
    }
    outbox.add(ended());
    assertThat(outbox.dropped()).isEqualTo(5);
    outbox.acknowledge(Outbox.CROWDED);
    assertThat(outbox.next().getReportsList())
        .singleElement()
        .satisfies(
            report -> {
              assertThat(report.hasEnded()).isTrue();
              assertThat(report.getSequence()).isEqualTo(Outbox.CROWDED + 1);
            });
  }
}
