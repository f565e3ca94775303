package io.tandem.coordinator.jobs;

import akka.actor.typed.ActorRef;
import akka.pattern.StatusReply;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.job.JobSpec;
import java.util.List;
import java.util.Optional;

/** What the manager is told. */
public sealed interface JobMessage {
  /** A protobuf message that a worker sent to the gateway. */
  record FromWorker(Object message) implements JobMessage {}

  /** Look who is silent. */
  enum Tick implements JobMessage {
    TICK
  }

  /**
   * Take this job.
   *
   * @param spec as parsed
   * @param json as canonical JSON
   * @param idempotencyKey as the user gave it, or null
   */
  record Submit(
      JobSpec spec, String json, String idempotencyKey, ActorRef<StatusReply<Submitted>> replyTo)
      implements JobMessage {}

  /**
   * The answer to {@link Submit}.
   *
   * @param job the new job, or the one that already has this key
   * @param created whether it is new
   * @param conflict whether the key belongs to a job with another body
   */
  record Submitted(StoredJob job, boolean created, boolean conflict) {}

  /** What people ask of a job. */
  enum Wish {
    CANCEL,
    PAUSE,
    RESUME,
    DELETE
  }

  /**
   * Do this to that job.
   *
   * @param mesh with {@link Wish#RESUME}: where to go on, or null for the mesh it had
   */
  record Ask(String jobId, Wish wish, Remesh mesh, ActorRef<StatusReply<Answer>> replyTo)
      implements JobMessage {}

  /**
   * The job on another mesh.
   *
   * @param json the whole job file as canonical JSON
   */
  record Remesh(int replicas, int shards, String json) {}

  /**
   * The answer to {@link Ask}.
   *
   * @param job as it is now, empty when there is none with that id
   * @param refusal why it was not done, empty when it was
   */
  record Answer(Optional<StoredJob> job, String refusal) {}

  /** How does the cluster stand? */
  record Look(ActorRef<Overview> replyTo) implements JobMessage {}

  /**
   * The cluster now.
   *
   * @param workers every registered worker
   * @param missing by job id, what a waiting job waits for
   * @param jobs by state, jobs that have not ended
   * @param recoveries attempts placed because one before was lost, since this manager started
   * @param placed jobs that are placed
   * @param queueMillis how long the job has waited that waits longest, 0 for none
   * @param manager the address of the actor system that manages the jobs
   * @param now milliseconds since 1970
   */
  record Overview(
      List<WorkerView> workers,
      java.util.Map<String, String> missing,
      java.util.Map<String, Integer> jobs,
      long recoveries,
      List<StoredJob> placed,
      long queueMillis,
      String manager,
      long now) {}

  /** A worker, for people. Times are milliseconds since 1970. */
  record WorkerView(
      String id,
      String host,
      int dataPort,
      int metricsPort,
      String device,
      int processors,
      long memoryBytes,
      int slots,
      int usedSlots,
      String version,
      boolean leaving,
      long registeredAt,
      long heartbeatAt,
      List<String> jobs) {}
}
