package io.tandem.coordinator.jobs;

import com.google.protobuf.ByteString;
import io.tandem.coordinator.store.Leadership;
import io.tandem.coordinator.store.Rows;
import io.tandem.coordinator.store.StoreReader;
import io.tandem.coordinator.store.StoreWriter;
import io.tandem.coordinator.store.StoredJob;
import io.tandem.protocol.control.StopAttempt;
import io.tandem.protocol.control.StopMode;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The jobs under way and the workers that do them. Every change is stored first, then becomes true
 * here, and only then is carried out: what people or workers have been told survives a crash. Owned
 * by the manager's thread.
 */
final class Ledger {
  private static final int FRAME_KEY_BYTES = 32;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Leadership leadership;
  private final Clocks clocks;
  private final Workers workers = new Workers();
  private final JobBook jobs = new JobBook();
  private final Map<String, Rows.Attempt> attempts = new HashMap<>();
  private final boolean encryptsFrames;

  /**
   * With all that the store says is under way.
   *
   * @param encryptsFrames whether attempts get a key for their data plane
   */
  Ledger(Leadership leadership, Clocks clocks, boolean encryptsFrames) {
    this.leadership = leadership;
    this.clocks = clocks;
    this.encryptsFrames = encryptsFrames;
    for (StoredJob job : read(StoreReader::unfinished)) {
      String id = job.header().id();
      jobs.put(job);
      Optional<Rows.Attempt> last = read(reader -> reader.attempt(id, job.status().attempt()));
      last.ifPresent(attempt -> attempts.put(id, attempt));
    }
  }

  /** Reads what is stored, whoever else does. */
  <T> T read(Function<StoreReader, T> work) {
    return leadership.read(work);
  }

  Workers workers() {
    return workers;
  }

  /** Milliseconds since 1970. */
  long now() {
    return clocks.wall().getAsLong();
  }

  /** Milliseconds that only grow, for {@link Workers}. */
  long steady() {
    return clocks.steady().getAsLong();
  }

  /** The jobs that have not ended, or whose workers have not; not to be changed from outside. */
  JobBook jobs() {
    return jobs;
  }

  /** A job under way. */
  Optional<StoredJob> underWay(String jobId) {
    return Optional.ofNullable(jobs.get(jobId));
  }

  /** Any job, also one that ended long ago. */
  Optional<StoredJob> find(String jobId) {
    return underWay(jobId).or(() -> read(reader -> reader.job(jobId)));
  }

  /** Writes what is no change of a job under way. */
  void write(Consumer<StoreWriter> work) {
    leadership.write(work);
  }

  /** Makes changes: all of them or, when the store fails, none. */
  void change(Consumer<JobBatch> work) {
    JobBatch batch = new JobBatch(jobs, id -> read(reader -> reader.job(id)), now());
    work.accept(batch);
    List<JobBatch.Order> orders = batch.commit(leadership);
    batch.attempts().forEach(attempt -> attempts.put(attempt.jobId(), attempt));
    orders.forEach(this::carryOut);
  }

  private void carryOut(JobBatch.Order order) {
    String jobId = order.job().header().id();
    if (order.command() instanceof JobCommand.Start start) {
      boolean first = start.attempt() == 1; // which nothing has been saved before
      List<Rows.Checkpoint> checkpoints =
          first ? List.of() : read(reader -> reader.checkpoints(jobId));
      List<String> workerByRank = workerByRank(order.job());
      Object message =
          StartMessages.start(
              order.job(), start.attempt(), workerByRank, workers, checkpoints, frameKey());
      for (String worker : start.workers()) {
        workers.expect(jobId, start.attempt(), worker, steady());
        tell(worker, message);
      }
    } else if (order.command() instanceof JobCommand.Stop stop) {
      stop.workers().forEach(worker -> stop(worker, jobId, stop.attempt(), stop.mode()));
    }
  }

  /** A new one for each attempt; empty where frames are not encrypted. */
  private ByteString frameKey() {
    if (!encryptsFrames) {
      return ByteString.EMPTY;
    }
    byte[] key = new byte[FRAME_KEY_BYTES];
    RANDOM.nextBytes(key);
    return ByteString.copyFrom(key);
  }

  void stop(String workerId, String jobId, int attempt, StopMode mode) {
    tell(
        workerId,
        StopAttempt.newBuilder().setJobId(jobId).setAttempt(attempt).setMode(mode).build());
  }

  void tell(String workerId, Object message) {
    workers.find(workerId).ifPresent(worker -> worker.actor.tell(message));
  }

  /** A job that was just stored. */
  void add(StoredJob job) {
    jobs.put(job);
  }

  void remove(String jobId) {
    jobs.remove(jobId);
    attempts.remove(jobId);
  }

  /** Forgets jobs that have ended on all their workers; the store keeps them. */
  void removeEnded() {
    List<String> ended =
        jobs.idle().stream()
            .filter(job -> JobState.Status.valueOf(job.status().state()).isEnd())
            .map(job -> job.header().id())
            .toList();
    ended.forEach(this::remove);
    workers.keepOnly(jobs.ids());
  }

  /** When the job's last attempt was placed, 0 when none was. */
  long lastPlacedAt(String jobId) {
    Rows.Attempt attempt = attempts.get(jobId);
    return attempt == null ? 0 : attempt.startedAt();
  }

  /** Who hosts which rank of the job's last attempt. */
  List<String> workerByRank(StoredJob job) {
    Rows.Attempt attempt = attempts.get(job.header().id());
    return attempt == null || attempt.attempt() != job.status().attempt()
        ? List.of()
        : attempt.workerByRank();
  }

  /** By worker, the slots that host a rank. */
  Map<String, Integer> usedSlots() {
    Map<String, Integer> used = new HashMap<>();
    for (StoredJob job : jobs.active()) {
      workerByRank(job).stream()
          .filter(job.status().active()::contains)
          .forEach(worker -> used.merge(worker, 1, Integer::sum));
    }
    return used;
  }
}
