package io.tandem.coordinator.jobs;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.job.JobSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;

/** What people ask, and what they are answered. */
final class JobDesk {
  private final Ledger ledger;

  JobDesk(Ledger ledger) {
    this.ledger = ledger;
  }

  /** Stores a job, or finds the one that has its idempotency key already. */
  JobMessage.Submitted submit(JobMessage.Submit submit) {
    if (submit.idempotencyKey() != null) {
      Optional<StoredJob> same = ledger.store().read(r -> r.jobByKey(submit.idempotencyKey()));
      if (same.isPresent()) {
        boolean conflict = !same.get().header().submitted().equals(digest(submit.json()));
        return new JobMessage.Submitted(same.get(), false, conflict);
      }
    }
    JobSpec spec = submit.spec();
    String id = "job-" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    long now = ledger.now();
    StoredJob.Header header =
        new StoredJob.Header(
            0,
            id,
            spec.name(),
            submit.json(),
            spec.mesh().replicas(),
            spec.mesh().shards(),
            submit.idempotencyKey(),
            digest(submit.json()),
            now);
    JobState state = JobState.queued(spec.recovery().maximumRestarts());
    StoredJob job =
        new StoredJob(header, StoredJobs.row(state, null, now), StoredJob.Progress.none());
    ledger
        .store()
        .write(
            writer -> {
              writer.insert(job);
              String data = JsonNodeFactory.instance.objectNode().put("to", "QUEUED").toString();
              writer.insert(new Rows.Event(0, id, now, 0, "state", data));
            });
    StoredJob numbered = ledger.store().read(reader -> reader.job(id)).orElseThrow();
    ledger.add(numbered);
    return new JobMessage.Submitted(numbered, true, false);
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
  JobMessage.Answer ask(JobMessage.Ask ask) {
    Optional<StoredJob> found = ledger.find(ask.jobId());
    if (found.isEmpty()) {
      return new JobMessage.Answer(found, "");
    }
    StoredJob job = found.get();
    String refusal = refusal(job, ask);
    if (refusal.isEmpty()) {
      if (ask.wish() == JobMessage.Wish.DELETE) {
        ledger.store().write(writer -> writer.delete(ask.jobId()));
        ledger.remove(ask.jobId());
      } else {
        ledger.change(
            batch -> {
              if (ask.mesh() != null) {
                remesh(job, ask.mesh(), batch);
              }
              batch.apply(ask.jobId(), event(ask.wish()));
            });
      }
    }
    Optional<StoredJob> now = ledger.find(ask.jobId());
    return new JobMessage.Answer(now.isPresent() ? now : found, refusal);
  }

  private void remesh(StoredJob job, JobMessage.Remesh mesh, JobBatch batch) {
    StoredJob.Header old = job.header();
    batch.header(
        new StoredJob.Header(
            old.number(),
            old.id(),
            old.name(),
            mesh.json(),
            mesh.replicas(),
            mesh.shards(),
            old.idempotencyKey(),
            old.submitted(),
            old.createdAt()));
    var data = JsonNodeFactory.instance.objectNode();
    data.put("from", old.replicas() + " x " + old.shards());
    data.put("to", mesh.replicas() + " x " + mesh.shards());
    batch.event(old.id(), job.status().attempt(), ledger.now(), "mesh", data);
  }

  private static JobEvent event(JobMessage.Wish wish) {
    return switch (wish) {
      case CANCEL -> new JobEvent.Cancel();
      case PAUSE -> new JobEvent.Pause();
      default -> new JobEvent.Resume();
    };
  }

  private static String refusal(StoredJob job, JobMessage.Ask ask) {
    JobState state = StoredJobs.state(job.status());
    boolean cancelling = state.status() == JobState.Status.CANCELLING;
    boolean fits =
        switch (ask.wish()) {
          case CANCEL -> !state.isEnd() || state.status() == JobState.Status.CANCELLED;
          case PAUSE -> !state.isEnd() && !cancelling;
          case RESUME ->
              state.status() == JobState.Status.PAUSED
                  || state.pausing() && !state.isEnd() && ask.mesh() == null;
          case DELETE -> state.isEnd() && state.active().isEmpty();
        };
    if (fits) {
      return "";
    }
    String allowed =
        switch (ask.wish()) {
          case CANCEL -> "a job that has not ended can be cancelled";
          case PAUSE -> "a job that has not ended and is not being cancelled can be paused";
          case RESUME -> "a paused job can be resumed";
          case DELETE -> "a job that has ended on all its workers can be deleted: cancel it first";
        };
    return "job " + job.header().id() + " is " + state.status() + "; " + allowed;
  }
}
