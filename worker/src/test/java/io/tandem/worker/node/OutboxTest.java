package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.LogLines;
import io.tandem.protocol.control.Notice;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.control.Reports;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
    List<String> lines = Collections.nCopies(60, "x".repeat(4 * 1024));
    for (int i = 0; i < 3; i++) {
      outbox.add(Report.newBuilder().setLog(LogLines.newBuilder().addAllLines(lines)));
    }
    assertThat(outbox.next().getReportsList()).hasSize(1);
  }

  @Test
  void shouldDropProgressButNoEndWhenTheCoordinatorStaysAway() {
    for (int i = 0; i < Outbox.CROWDED + 5; i++) {
      outbox.add(Report.newBuilder().setProgress(Progress.newBuilder().setStep(i)));
    }
    outbox.add(ended());
    outbox.acknowledge(Outbox.CROWDED);
    List<Report> kept = outbox.next().getReportsList();
    assertThat(kept)
        .extracting(Report::getSequence)
        .containsExactly(Outbox.CROWDED + 1L, Outbox.CROWDED + 2L);
    assertThat(kept.get(0).getNotice().getText()).startsWith("5 reports of progress or logs");
    assertThat(kept.get(1).hasEnded()).isTrue();
  }

  @Test
  void shouldCutWhatIsTooLongToBeSentAndSaySo() {
    String huge = "x".repeat(5_000_000);
    outbox.add(Report.newBuilder().setEnded(AttemptEnded.newBuilder().setText(huge)));
    outbox.add(Report.newBuilder().setNotice(Notice.newBuilder().setText(huge)));
    outbox.add(Report.newBuilder().setLog(LogLines.newBuilder().addLines(huge).addLines("short")));
    outbox.add(
        Report.newBuilder()
            .setLog(LogLines.newBuilder().addAllLines(Collections.nCopies(1000, huge))));
    List<Report> sent = new ArrayList<>();
    while (!outbox.isEmpty()) {
      Reports batch = outbox.next();
      assertThat(batch.getSerializedSize()).isLessThan(1 << 20);
      sent.addAll(batch.getReportsList());
      outbox.acknowledge(sent.size());
    }
    assertThat(sent.get(0).getEnded().getText())
        .hasSizeLessThan(17_000)
        .startsWith("xxx")
        .endsWith("... 4983616 more characters");
    assertThat(sent.get(1).getNotice().getText()).endsWith("more characters");
    assertThat(sent.get(2).getLog().getLines(0)).endsWith("... 4995904 more characters");
    assertThat(sent.get(2).getLog().getLines(1)).isEqualTo("short");
    assertThat(sent.get(3).getLog().getLinesList()).hasSize(65).endsWith("... 936 more lines");
  }
}
