package io.tandem.coordinator.rest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.coordinator.jobs.Goodput;
import io.tandem.coordinator.jobs.JobState;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoreReader;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.RankTime;
import io.tandem.protocol.control.WorkerView;
import io.tandem.protocol.job.PoolName;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What REST says of jobs and of what belongs to them. Times are ISO 8601. */
final class JobJson {
  private JobJson() {}

  /** A job; {@code missing} is what it waits for, or null. */
  private static ObjectNode job(StoredJob job, String missing, Rows.Placement placement) {
    StoredJob.Header header = job.header();
    StoredJob.Status status = job.status();
    StoredJob.Progress progress = job.progress();
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("id", header.id()).put("name", header.name()).put("state", status.state());
    node.put("reason", status.reason()).put("reasonText", status.reasonText());
    node.put("attempt", status.attempt()).put("restarts", status.restarts());
    node.putObject("mesh").put("replicas", header.replicas()).put("shards", header.shards());
    node.put("pool", header.pool().isEmpty() ? null : header.pool());
    node.put("step", progress.step()).put("totalSteps", progress.totalSteps());
    node.put("phase", progress.phase());
    node.put("stepsPerSecond", progress.stepsPerSecond());
    node.put("imagesPerSecond", progress.imagesPerSecond());
    boolean running = status.state().equals("RUNNING") && progress.stepsPerSecond() > 0;
    if (running) {
      long left = Math.max(0, progress.totalSteps() - progress.step());
      node.put("etaSeconds", left / progress.stepsPerSecond());
    } else {
      node.putNull("etaSeconds");
    }
    effort(node, job);
    numbers(node.putObject("values"), progress.values());
    numbers(node.putObject("phaseSeconds"), progress.phaseSeconds());
    time(node, "createdAt", header.createdAt());
    time(node, "startedAt", status.startedAt());
    time(node, "endedAt", status.endedAt());
    if (missing != null) {
      node.put("missing", missing);
    }
    ranks(node.putArray("workers"), placement.workerByRank());
    node.put("modelPath", status.modelPath().isEmpty() ? null : status.modelPath());
    node.put("checkpointStep", placement.checkpointStep());
    return node;
  }

  /** Jobs in their order; {@code missing} is by id what those that wait are waiting for. */
  static List<ObjectNode> jobs(
      List<StoredJob> jobs, Map<String, String> missing, StoreReader reader) {
    Map<String, Rows.Placement> placements = reader.placements(jobs);
    return jobs.stream()
        .map(
            job -> {
              String id = job.header().id();
              return job(job, missing.get(id), placements.get(id));
            })
        .toList();
  }

  private static void effort(ObjectNode node, StoredJob job) {
    JobState.Status state = JobState.Status.valueOf(job.status().state());
    long at = Goodput.asOf(job);
    number(node, "goodput", Goodput.ratio(job.effort(), state, at).orElse(Double.NaN));
    number(node, "trainedSeconds", job.effort().trainedSeconds());
    node.put("placedSeconds", Goodput.placedSeconds(job.effort(), state, at));
    node.put("failures", job.effort().failures());
  }

  private static void ranks(ArrayNode workers, List<String> workerByRank) {
    Map<String, ArrayNode> byWorker = new TreeMap<>();
    for (int rank = 0; rank < workerByRank.size(); rank++) {
      byWorker
          .computeIfAbsent(workerByRank.get(rank), id -> Replies.JSON.createArrayNode())
          .add(rank);
    }
    byWorker.forEach((id, ranks) -> workers.addObject().put("id", id).set("ranks", ranks));
  }

  /** JSON knows no NaN: it is written as null. */
  private static void numbers(ObjectNode node, Map<String, Double> values) {
    new TreeMap<>(values).forEach((name, value) -> number(node, name, value));
  }

  private static void number(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }

  private static void time(ObjectNode node, String name, long millis) {
    node.put(name, millis == 0 ? null : Instant.ofEpochMilli(millis).toString());
  }

  static ObjectNode event(Rows.Event event) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("id", event.id());
    time(node, "time", event.time());
    node.put("attempt", event.attempt()).put("type", event.type());
    try {
      node.set("data", Replies.JSON.readTree(event.data()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("event " + event.id() + " is broken in the store", e);
    }
    return node;
  }

  static ObjectNode metric(Rows.Metric metric) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("name", metric.name());
    time(node, "time", metric.time());
    node.put("attempt", metric.attempt()).put("step", metric.step());
    number(node, "value", metric.value());
    return node;
  }

  /** Column by column, which takes a third of the bytes: these are drawn, not read. */
  static ObjectNode curves(List<Rows.Metric> metrics) {
    ObjectNode body = Replies.JSON.createObjectNode();
    ObjectNode curves = body.putObject("curves");
    long newest = 0;
    for (Rows.Metric metric : metrics) {
      ObjectNode curve = curves.withObjectProperty(metric.name());
      curve.withArrayProperty("attempt").add(metric.attempt());
      curve.withArrayProperty("step").add(metric.step());
      ArrayNode values = curve.withArrayProperty("value");
      if (Double.isFinite(metric.value())) {
        values.add((float) metric.value());
      } else {
        values.addNull();
      }
      newest = Math.max(newest, metric.time());
    }
    return body.put("newest", newest);
  }

  static ObjectNode log(Rows.LogLine line) {
    ObjectNode node = Replies.JSON.createObjectNode().put("id", line.id());
    time(node, "time", line.time());
    node.put("attempt", line.attempt()).put("worker", line.workerId());
    return node.put("line", line.line());
  }

  static ObjectNode checkpoint(Rows.Checkpoint checkpoint) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("step", checkpoint.step()).put("attempt", checkpoint.attempt());
    node.put("path", checkpoint.path()).put("bytes", checkpoint.bytes());
    node.put("seconds", checkpoint.seconds());
    time(node, "time", checkpoint.time());
    return node;
  }

  static ObjectNode sample(String jobId, Rows.Sample sample) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("place", sample.place()).put("step", sample.step()).put("label", sample.label());
    opinion(node, "student", sample.student());
    opinion(node, "teacher", sample.teacher());
    return node.put("image", "/v1/jobs/" + jobId + "/samples/" + sample.place());
  }

  private static void opinion(ObjectNode node, String who, Rows.Opinion opinion) {
    if (opinion == null) {
      node.putNull(who);
    } else {
      ObjectNode said = node.putObject(who).put("label", opinion.label());
      number(said, "probability", opinion.probability());
    }
  }

  static ObjectNode rank(String workerId, RankTime time) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("rank", time.getRank()).put("worker", workerId);
    number(node, "stepSeconds", time.getStepSeconds());
    number(node, "waitSeconds", time.getWaitSeconds());
    return node.put("waitsFor", time.hasWaitsFor() ? time.getWaitsFor() : null);
  }

  static ObjectNode worker(WorkerView worker) {
    ObjectNode node = Replies.JSON.createObjectNode();
    node.put("id", worker.getId()).put("host", worker.getHost());
    node.put("dataPort", worker.getDataPort()).put("metricsPort", worker.getMetricsPort());
    node.put("pool", PoolName.orDefault(worker.getPool()));
    node.put("device", worker.getDevice()).put("processors", worker.getProcessors());
    node.put("memoryBytes", worker.getMemoryBytes());
    node.put("slots", worker.getSlots()).put("usedSlots", worker.getUsedSlots());
    node.put("version", worker.getVersion()).put("leaving", worker.getLeaving());
    time(node, "registeredAt", worker.getRegisteredAt());
    time(node, "heartbeatAt", worker.getHeartbeatAt());
    ArrayNode jobs = node.putArray("jobs");
    worker.getJobsList().forEach(jobs::add);
    return node;
  }
}
