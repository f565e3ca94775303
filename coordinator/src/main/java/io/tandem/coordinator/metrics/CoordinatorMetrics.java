package io.tandem.coordinator.metrics;

import io.tandem.coordinator.jobs.Goodput;
import io.tandem.coordinator.jobs.JobState;
import io.tandem.coordinator.store.Effort;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ClusterView;
import io.tandem.protocol.control.WorkerView;
import io.tandem.protocol.metrics.Meters;
import io.tandem.protocol.metrics.MetricDefinitions;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.DoubleSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts of jobs, workers and slots, and the jobs that are placed, beside the JVM. Thread-safe. */
public final class CoordinatorMetrics implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CoordinatorMetrics.class);

  private final Meters meters = new Meters();
  private final Optional<Path> store;
  private final Set<String> statesShown = new TreeSet<>();
  private Set<String> jobsShown = Set.of();
  private long recoveries;
  private long lastRecovered;

  /** {@code store} is a directory whose file system is measured, if any. */
  public CoordinatorMetrics(Optional<Path> store) {
    this.store = store;
  }

  /**
   * All in Prometheus' text format, as the cluster stands.
   *
   * @param placed the jobs that are placed, as they are stored
   * @param leads whether the jobs are managed in this process
   */
  public synchronized String scrape(ClusterView view, List<StoredJob> placed, boolean leads) {
    meters.set(MetricDefinitions.LEADER, leads ? 1 : 0);
    List<WorkerView> workers = view.getWorkersList();
    meters.set(MetricDefinitions.WORKERS, workers.size());
    meters.set(MetricDefinitions.SLOTS, workers.stream().mapToInt(WorkerView::getSlots).sum());
    meters.set(
        MetricDefinitions.SLOTS_USED, workers.stream().mapToInt(WorkerView::getUsedSlots).sum());
    meters.set(MetricDefinitions.QUEUE_WAIT, Math.max(0, view.getQueueMillis()) / 1000.0);
    long recovered = view.getRecoveries();
    // The manager counts from 0 again when it starts again, as after a full disk.
    recoveries += recovered < lastRecovered ? recovered : recovered - lastRecovered;
    lastRecovered = recovered;
    meters.total(MetricDefinitions.RECOVERIES, recoveries);
    Map<String, Integer> byState = view.getJobsMap();
    statesShown.addAll(byState.keySet());
    statesShown.add(JobState.Status.QUEUED.name());
    statesShown.forEach(
        state -> meters.set(MetricDefinitions.JOBS, byState.getOrDefault(state, 0), state));
    jobs(placed, view.getNow());
    store.ifPresent(this::volume);
    return meters.scrape();
  }

  /**
   * Shows when a certificate expires.
   *
   * @param use rest or control
   * @param expiry of the one in use, in seconds since 1970; asked whenever all are shown
   */
  public void certificate(String use, DoubleSupplier expiry) {
    meters.watch(MetricDefinitions.CERTIFICATE_EXPIRY, expiry, use);
  }

  private void volume(Path directory) {
    double free = Double.NaN;
    double size = Double.NaN;
    try {
      FileStore volume = Files.getFileStore(directory);
      free = volume.getUsableSpace();
      size = volume.getTotalSpace();
    } catch (IOException e) {
      LOG.warn("cannot tell the free space of {}", directory, e);
    }
    meters.set(MetricDefinitions.VOLUME_FREE, free, "store");
    meters.set(MetricDefinitions.VOLUME_SIZE, size, "store");
  }

  private void jobs(List<StoredJob> placed, long now) {
    Set<String> ids = placed.stream().map(job -> job.header().id()).collect(Collectors.toSet());
    jobsShown.stream()
        .filter(id -> !ids.contains(id))
        .forEach(id -> meters.forget(MetricDefinitions.JOB_LABEL, id));
    jobsShown = ids;
    placed.forEach(job -> job(job, now));
  }

  private void job(StoredJob job, long now) {
    String id = job.header().id();
    JobState.Status status = JobState.Status.valueOf(job.status().state());
    StoredJob.Progress progress = job.progress();
    meters.set(MetricDefinitions.JOB_NAME, 1, id, job.header().name());
    for (JobState.Status state : JobState.Status.values()) {
      if (Goodput.isPlaced(state)) {
        meters.set(MetricDefinitions.JOB_STATE, state == status ? 1 : 0, id, state.name());
      }
    }
    meters.set(MetricDefinitions.JOB_RANKS, job.header().replicas() * job.header().shards(), id);
    meters.set(MetricDefinitions.JOB_STEP, progress.step(), id);
    meters.set(MetricDefinitions.JOB_STEPS_PLANNED, progress.totalSteps(), id);
    double left = Math.max(0, progress.totalSteps() - progress.step());
    boolean runs = status == JobState.Status.RUNNING && progress.stepsPerSecond() > 0;
    double eta = runs ? left / progress.stepsPerSecond() : Double.NaN;
    meters.set(MetricDefinitions.JOB_ETA, eta, id);
    effort(id, job.effort(), status, progress.reportedAt(), now);
  }

  private void effort(String id, Effort effort, JobState.Status status, long reportedAt, long now) {
    double progress = Math.max(reportedAt, effort.placedAt()) / 1000.0;
    double checkpoint = Math.max(effort.committedAt(), effort.placedAt()) / 1000.0;
    meters.set(MetricDefinitions.JOB_PROGRESS_TIMESTAMP, progress, id);
    meters.set(MetricDefinitions.JOB_CHECKPOINT_TIMESTAMP, checkpoint, id);
    double goodput = Goodput.ratio(effort, status, now).orElse(0);
    meters.set(MetricDefinitions.JOB_GOODPUT, goodput, id);
    meters.total(MetricDefinitions.JOB_FAILURES, effort.failures(), id);
    meters.total(MetricDefinitions.JOB_DETECTION_SECONDS, effort.detectionSeconds(), id);
    meters.total(MetricDefinitions.JOB_RECOVERED, effort.recovered(), id);
    meters.total(MetricDefinitions.JOB_RECOVERY_SECONDS, effort.recoverySeconds(), id);
  }

  /** While nobody leads: the cluster's as it was last known, and that this one does not lead. */
  public synchronized String scrapeWithoutLeader() {
    meters.set(MetricDefinitions.LEADER, 0);
    store.ifPresent(this::volume);
    return meters.scrape();
  }

  @Override
  public void close() {
    meters.close();
  }
}
