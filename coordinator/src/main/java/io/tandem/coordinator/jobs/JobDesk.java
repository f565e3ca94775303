package io.tandem.coordinator.jobs;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.ActOnJob;
import io.tandem.protocol.control.JobActed;
import io.tandem.protocol.control.JobSubmitted;
import io.tandem.protocol.control.Remesh;
import io.tandem.protocol.control.SubmitJob;
import io.tandem.protocol.control.Wish;
import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** What people ask, and what they are answered. */
final class JobDesk {
  private final Ledger ledger;

  JobDesk(Ledger ledger) {
    this.ledger = ledger;
  }

  /**
   * Stores jobs, all in one transaction, or finds the one that has a job's idempotency key already;
   * the answers are in the order of the questions.
   */
  List<JobSubmitted> submit(List<SubmitJob> all) {
    List<JobSubmitted> answers = new ArrayList<>();
    List<StoredJob> fresh = new ArrayList<>();
    Map<String, StoredJob> keys = new HashMap<>();
    for (SubmitJob submit : all) {
      String key = submit.hasIdempotencyKey() ? submit.getIdempotencyKey() : null;
      Optional<StoredJob> same = key == null ? Optional.empty() : withKey(key, keys);
      if (same.isPresent()) {
        StoredJob.Header header = same.get().header();
        answers.add(
            JobSubmitted.newBuilder()
                .setJobId(header.id())
                .setConflict(!header.submitted().equals(digest(submit.getJob())))
                .build());
        continue;
      }
      try {
        StoredJob job = job(submit.getJob(), key);
        fresh.add(job);
        if (key != null) {
          keys.put(key, job);
        }
        answers.add(JobSubmitted.newBuilder().setJobId(job.header().id()).setCreated(true).build());
      } catch (JobFileException e) { // it was whole for the release that took it
        answers.add(JobSubmitted.newBuilder().setRefusal(e.getMessage()).build());
      }
    }
    store(fresh);
    return answers;
  }

  private Optional<StoredJob> withKey(String key, Map<String, StoredJob> fresh) {
    return Optional.ofNullable(fresh.get(key))
        .or(() -> ledger.read(reader -> reader.jobByKey(key)));
  }

  private StoredJob job(String json, String key) {
    JobSpec spec = JobFiles.parse(json.getBytes(StandardCharsets.UTF_8));
    long now = ledger.now();
    StoredJob.Header header =
        new StoredJob.Header(
            0,
            "job-" + UUID.randomUUID().toString().replace("-", "").substring(0, 12),
            spec.name(),
            json,
            spec.mesh().replicas(),
            spec.mesh().shards(),
            spec.pool(),
            key,
            digest(json),
            now);
    JobState state = JobState.queued(spec.recovery().maximumRestarts());
    return new StoredJob(header, StoredJobs.row(state, null, now), StoredJob.Progress.none());
  }

  private void store(List<StoredJob> fresh) {
    if (fresh.isEmpty()) {
      return;
    }
    String data = JsonNodeFactory.instance.objectNode().put("to", "QUEUED").toString();
    List<StoredJob> stored = new ArrayList<>();
    ledger.write(
        writer -> {
          for (StoredJob job : fresh) {
            StoredJob.Header header = job.header();
            stored.add(job.with(header.numbered(writer.insert(job))));
            writer.insert(new Rows.Event(0, header.id(), header.createdAt(), 0, "state", data));
          }
        });
    stored.forEach(ledger::add);
  }

  private static String digest(String json) {
    try {
      byte[] sum =
          MessageDigest.getInstance("SHA-256").digest(json.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sum);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Does as asked, or says why not. */
  JobActed act(ActOnJob act) {
    String id = act.getJobId();
    Optional<StoredJob> found = ledger.find(id);
    if (found.isEmpty()) {
      return JobActed.getDefaultInstance();
    }
    StoredJob job = found.get();
    String refusal = refusal(job, act);
    if (refusal.isEmpty()) {
      if (act.getWish() == Wish.DELETE_JOB) {
        ledger.write(writer -> writer.delete(id));
        ledger.remove(id);
      } else {
        ledger.change(
            batch -> {
              if (act.hasMesh()) {
                remesh(job, act.getMesh(), batch);
              }
              batch.apply(id, event(act.getWish()));
            });
      }
    }
    return JobActed.newBuilder().setFound(true).setRefusal(refusal).build();
  }

  private void remesh(StoredJob job, Remesh mesh, JobBatch batch) {
    StoredJob.Header old = job.header();
    batch.header(
        new StoredJob.Header(
            old.number(),
            old.id(),
            old.name(),
            mesh.getJob(),
            mesh.getReplicas(),
            mesh.getShards(),
            old.pool(),
            old.idempotencyKey(),
            old.submitted(),
            old.createdAt()));
    var data = JsonNodeFactory.instance.objectNode();
    data.put("from", old.replicas() + " x " + old.shards());
    data.put("to", mesh.getReplicas() + " x " + mesh.getShards());
    batch.event(old.id(), job.status().attempt(), ledger.now(), "mesh", data);
  }

  private static JobEvent event(Wish wish) {
    return switch (wish) {
      case CANCEL_JOB -> new JobEvent.Cancel();
      case PAUSE_JOB -> new JobEvent.Pause();
      case RESUME_JOB -> new JobEvent.Resume();
      default -> throw new IllegalArgumentException("no change of a job: " + wish);
    };
  }

  private static String refusal(StoredJob job, ActOnJob act) {
    JobState state = StoredJobs.state(job.status());
    boolean cancelling = state.status() == JobState.Status.CANCELLING;
    boolean fits =
        switch (act.getWish()) {
          case CANCEL_JOB -> !state.isEnd() || state.status() == JobState.Status.CANCELLED;
          case PAUSE_JOB -> !state.isEnd() && !cancelling;
          case RESUME_JOB ->
              state.status() == JobState.Status.PAUSED
                  || state.pausing() && !state.isEnd() && !act.hasMesh();
          case DELETE_JOB -> state.isEnd() && state.active().isEmpty();
          default -> false;
        };
    if (fits) {
      return "";
    }
    String allowed =
        switch (act.getWish()) {
          case CANCEL_JOB -> "a job that has not ended can be cancelled";
          case PAUSE_JOB -> "a job that has not ended and is not being cancelled can be paused";
          case RESUME_JOB -> "a paused job can be resumed";
          case DELETE_JOB ->
              "a job that has ended on all its workers can be deleted: cancel it first";
          default -> "this coordinator does not know what was asked: run the same release";
        };
    return "job " + job.header().id() + " is " + state.status() + "; " + allowed;
  }
}
