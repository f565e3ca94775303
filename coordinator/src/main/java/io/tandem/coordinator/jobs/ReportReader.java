package io.tandem.coordinator.jobs;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.CheckpointCommitted;
import io.tandem.protocol.control.Progress;
import io.tandem.protocol.control.Report;
import io.tandem.protocol.job.JobReason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** What a worker's report changes. Reports of jobs that were deleted change nothing. */
final class ReportReader {
  private static final int MOST_OF_A_REASON = 500;

  private ReportReader() {}

  static void read(Report report, JobBatch batch) {
    String jobId = report.getJobId();
    if (batch.job(jobId).isEmpty()) {
      return;
    }
    int attempt = report.getAttempt();
    String worker = report.getWorkerId();
    switch (report.getBodyCase()) {
      case STARTED -> {
        ObjectNode data = node("worker", worker);
        event(report, batch, "started", data.put("step", report.getStarted().getStep()));
        if (concernsNow(report, batch)) {
          batch.trained(jobId, report.getStarted().getTrainedSeconds(), false);
        }
        batch.apply(jobId, new JobEvent.Started(attempt, worker));
      }
      case PROGRESS -> progress(report, report.getProgress(), batch);
      case EVALUATED -> {
        Map<String, Double> values = report.getEvaluated().getValuesMap();
        long step = report.getEvaluated().getStep();
        values(report, step, values, batch);
        event(report, batch, "evaluation", put(node("step", step), values));
        List<Rows.Sample> samples = SampleReader.read(report.getEvaluated());
        if (!samples.isEmpty()) {
          batch.write(w -> w.replaceSamples(jobId, samples));
        }
      }
      case CHECKPOINT -> checkpoint(report, report.getCheckpoint(), batch);
      case NOTICE -> {
        ObjectNode data = node("level", report.getNotice().getLevel());
        data.put("code", report.getNotice().getCode());
        data.put("text", report.getNotice().getText());
        event(report, batch, "notice", data.put("worker", worker));
      }
      case ENDED -> ended(report, report.getEnded(), batch);
      case LOG -> {
        List<Rows.LogLine> lines =
            report.getLog().getLinesList().stream()
                .map(l -> new Rows.LogLine(0, jobId, report.getTimeMillis(), attempt, worker, l))
                .toList();
        batch.write(w -> w.insertLogs(lines));
      }
      case BODY_NOT_SET -> {
        // Of a later release: acknowledged, so that the worker does not send it for ever.
      }
    }
  }

  /** What is kept of a report that the store refuses. */
  static void refused(Report report, RuntimeException failure, JobBatch batch) {
    if (batch.job(report.getJobId()).isPresent()) {
      Throwable cause = failure;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      String why = String.valueOf(cause.getMessage());
      ObjectNode data = node("level", "warning");
      data.put("code", "REPORT_REFUSED");
      data.put(
          "text",
          name(report)
              + " cannot be stored and is left out: "
              + why.substring(0, Math.min(why.length(), MOST_OF_A_REASON)));
      event(report, batch, "notice", data.put("worker", report.getWorkerId()));
    }
  }

  /** A report for people. */
  static String name(Report report) {
    return "report %d (%s) of worker %s on attempt %d of %s"
        .formatted(
            report.getSequence(),
            report.getBodyCase(),
            report.getWorkerId(),
            report.getAttempt(),
            report.getJobId());
  }

  private static void progress(Report report, Progress progress, JobBatch batch) {
    show(
        report,
        batch,
        old ->
            new StoredJob.Progress(
                progress.getStep(),
                progress.getTotalSteps(),
                progress.getPhase(),
                progress.getStepsPerSecond(),
                progress.getImagesPerSecond(),
                newest(old, progress.getValuesMap()),
                progress.getPhaseSecondsMap(),
                batch.now()));
    if (concernsNow(report, batch)) {
      batch.stepped(report.getJobId(), report.getAttempt());
    }
    Map<String, Double> series = new HashMap<>(progress.getValuesMap());
    series.put("stepsPerSecond", progress.getStepsPerSecond());
    series.put("imagesPerSecond", progress.getImagesPerSecond());
    progress.getPhaseSecondsMap().forEach((k, v) -> series.put("phaseSeconds." + k, v));
    metrics(report, progress.getStep(), series, batch);
  }

  private static void values(Report report, long step, Map<String, Double> values, JobBatch batch) {
    show(
        report,
        batch,
        old ->
            new StoredJob.Progress(
                Math.max(old.step(), step),
                old.totalSteps(),
                old.phase(),
                old.stepsPerSecond(),
                old.imagesPerSecond(),
                newest(old, values),
                old.phaseSeconds(),
                old.reportedAt()));
    metrics(report, step, values, batch);
  }

  /** What an older attempt says late says nothing of where the job stands now. */
  private static void show(
      Report report, JobBatch batch, UnaryOperator<StoredJob.Progress> change) {
    StoredJob job = batch.job(report.getJobId()).orElseThrow();
    if (concernsNow(report, batch)) {
      batch.progress(report.getJobId(), change.apply(job.progress()));
    }
  }

  private static boolean concernsNow(Report report, JobBatch batch) {
    StoredJob job = batch.job(report.getJobId()).orElseThrow();
    return job.status().attempt() == report.getAttempt();
  }

  private static Map<String, Double> newest(StoredJob.Progress old, Map<String, Double> values) {
    Map<String, Double> all = new HashMap<>(old.values());
    all.putAll(values);
    return all;
  }

  private static void metrics(
      Report report, long step, Map<String, Double> values, JobBatch batch) {
    List<Rows.Metric> rows = new ArrayList<>();
    values.forEach(
        (name, value) ->
            rows.add(
                new Rows.Metric(
                    report.getJobId(),
                    name,
                    report.getTimeMillis(),
                    report.getAttempt(),
                    step,
                    value)));
    batch.write(w -> w.insertMetrics(rows));
  }

  private static void checkpoint(Report report, CheckpointCommitted committed, JobBatch batch) {
    Rows.Checkpoint row =
        new Rows.Checkpoint(
            report.getJobId(),
            committed.getPath(),
            report.getAttempt(),
            committed.getStep(),
            committed.getBytes(),
            committed.getSeconds(),
            report.getTimeMillis());
    batch.write(w -> w.insert(row));
    for (String pruned : committed.getPrunedList()) {
      batch.write(w -> w.deleteCheckpoint(report.getJobId(), pruned));
    }
    ObjectNode data = node("step", committed.getStep());
    data.put("path", committed.getPath());
    data.put("bytes", committed.getBytes());
    event(report, batch, "checkpoint", data.put("seconds", committed.getSeconds()));
    if (concernsNow(report, batch)) {
      batch.trained(report.getJobId(), committed.getTrainedSeconds(), true);
    }
    batch.apply(report.getJobId(), new JobEvent.Checkpointed(report.getAttempt()));
  }

  private static void ended(Report report, AttemptEnded ended, JobBatch batch) {
    ObjectNode data = node("worker", report.getWorkerId());
    data.put("outcome", ended.getOutcome().name());
    data.put("reason", ended.getReason());
    data.put("text", ended.getText());
    event(report, batch, "ended", data.put("step", ended.getStep()));
    batch.apply(
        report.getJobId(),
        new JobEvent.Ended(
            report.getAttempt(),
            report.getWorkerId(),
            ended.getOutcome(),
            JobReason.of(ended.getReason()),
            ended.getText(),
            ended.getModelPath()),
        sinceMillis(report, batch));
  }

  /** How long ago that failure began: the report may have waited for a coordinator. */
  private static long sinceMillis(Report report, JobBatch batch) {
    return batch.now() - report.getTimeMillis() + report.getEnded().getSinceMillis();
  }

  private static void event(Report report, JobBatch batch, String type, ObjectNode data) {
    batch.event(report.getJobId(), report.getAttempt(), report.getTimeMillis(), type, data);
  }

  private static ObjectNode node(String key, long value) {
    return JsonNodeFactory.instance.objectNode().put(key, value);
  }

  private static ObjectNode node(String key, String value) {
    return JsonNodeFactory.instance.objectNode().put(key, value);
  }

  private static ObjectNode put(ObjectNode node, Map<String, Double> values) {
    ObjectNode inner = node.putObject("values");
    values.forEach(inner::put);
    return node;
  }
}
