package io.tandem.coordinator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.store.Effort;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ClusterView;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoordinatorMetricsTest {
  private static ClusterView view(long recoveries) {
    return ClusterView.newBuilder()
        .setRecoveries(recoveries)
        .setQueueMillis(61_000)
        .setLeader("akka://tandem")
        .setNow(100_000)
        .build();
  }

  /** Placed at 40 s, a checkpoint at 60 s, a step at 70 s; it is 100 s now. */
  private static StoredJob job(String id) {
    return new StoredJob(
        new StoredJob.Header(1, id, "name of " + id, "{}", 2, 4, "", null, "", 1000),
        new StoredJob.Status("RUNNING", "", "", false, 1, 0, 3, Set.of(), Set.of(), "", 0, 0),
        new StoredJob.Progress(50, 150, "train", 4, 80, Map.of(), Map.of(), 70_000),
        new Effort(50_000, 40_000, 10_000, 15, 60_000, List.of(), 3, 12.5, 2, 30.5));
  }

  @Test
  void shouldCountRecoveriesOnWhenTheManagerStartsAgain() {
    try (CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.empty())) {
      List<String> counts =
          List.of(0, 2, 2, 1, 3).stream()
              .map(recovered -> metrics.scrape(view(recovered), List.of(), true))
              .flatMap(String::lines)
              .filter(line -> line.startsWith("tandem_recoveries_total "))
              .map(line -> line.substring(line.indexOf(' ') + 1))
              .toList();
      assertThat(counts).containsExactly("0.0", "2.0", "2.0", "3.0", "5.0");
    }
  }

  @Test
  void shouldTellTheRoomForTheStoreAlsoWithoutALeader(@TempDir Path directory) {
    String free = "tandem_volume_free_bytes{volume=\"store\"} ";
    String size = "tandem_volume_size_bytes{volume=\"store\"} ";
    try (CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.of(directory))) {
      for (String all :
          List.of(metrics.scrape(view(0), List.of(), true), metrics.scrapeWithoutLeader())) {
        assertThat(number(all, size)).isGreaterThanOrEqualTo(number(all, free)).isPositive();
      }
    }
    try (CoordinatorMetrics metrics =
        new CoordinatorMetrics(Optional.of(directory.resolve("no")))) {
      assertThat(metrics.scrapeWithoutLeader()).contains(free + "NaN", size + "NaN");
    }
    try (CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.empty())) {
      assertThat(metrics.scrapeWithoutLeader()).doesNotContain("tandem_volume");
    }
  }

  private static double number(String all, String series) {
    String value = all.substring(all.indexOf(series) + series.length());
    return Double.parseDouble(value.substring(0, value.indexOf('\n')));
  }

  @Test
  void shouldShowPlacedJobsAndRemoveThoseThatAreNotAnyMore() {
    try (CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.empty())) {
      String both = metrics.scrape(view(0), List.of(job("j1"), job("j2")), false);
      assertThat(both)
          .contains("tandem_coordinator_leader 0.0")
          .contains("tandem_queue_wait_seconds 61.0")
          .contains("tandem_job_name{job_id=\"j1\",name=\"name of j1\"} 1.0")
          .contains("tandem_job_state{job_id=\"j1\",state=\"RUNNING\"} 1.0")
          .contains("tandem_job_state{job_id=\"j1\",state=\"RECOVERING\"} 0.0")
          .contains("tandem_job_ranks{job_id=\"j1\"} 8.0")
          .contains("tandem_job_step{job_id=\"j1\"} 50.0")
          .contains("tandem_job_steps_planned{job_id=\"j1\"} 150.0")
          .contains("tandem_job_eta_seconds{job_id=\"j1\"} 25.0")
          .contains("tandem_job_goodput{job_id=\"j1\"} 0.25")
          .contains("tandem_job_progress_timestamp_seconds{job_id=\"j1\"} 70.0")
          .contains("tandem_job_checkpoint_timestamp_seconds{job_id=\"j1\"} 60.0")
          .contains("tandem_job_failures_total{job_id=\"j1\"} 3.0")
          .contains("tandem_job_detection_seconds_total{job_id=\"j1\"} 12.5")
          .contains("tandem_job_recovered_total{job_id=\"j1\"} 2.0")
          .contains("tandem_job_recovery_seconds_total{job_id=\"j1\"} 30.5");
      assertThat(metrics.scrape(view(0), List.of(job("j2")), true))
          .contains("tandem_coordinator_leader 1.0")
          .contains("\"j2\"")
          .doesNotContain("\"j1\"");
    }
  }

  @Test
  void shouldNotSayThatItLeadsWhileNobodyDoes() {
    try (CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.empty())) {
      assertThat(metrics.scrape(view(0), List.of(), true))
          .contains("tandem_coordinator_leader 1.0");
      assertThat(metrics.scrapeWithoutLeader()).contains("tandem_coordinator_leader 0.0");
    }
  }
}
