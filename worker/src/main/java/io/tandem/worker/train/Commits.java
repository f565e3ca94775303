package io.tandem.worker.train;

import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Manifest;
import io.tandem.worker.parallel.ShardContext;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What of a rank's training outlives its attempt: saved, and taken up again. */
final class Commits {
  private static final String SEED = "random.seed";

  /** A checkpoint's scalar: seconds in the steps that led to it. */
  static final String TRAINED = "trained.seconds";

  private final ShardContext context;
  private final JobSpec job;
  private final List<Learner> learners;
  private final TrainingStep main;
  private final CheckpointWriter writer;
  private long committedStep = -1;

  /** {@code main} is the step of the main phase, which may have a state of its own. */
  Commits(
      ShardContext context,
      JobSpec job,
      List<Learner> learners,
      TrainingStep main,
      CheckpointWriter writer) {
    this.context = context;
    this.job = job;
    this.learners = learners;
    this.main = main;
    this.writer = writer;
  }

  /** On every rank after the same step; where nothing can be written the training goes on. */
  void commit(long step, double trainedSeconds) {
    Map<String, Long> counters = new LinkedHashMap<>();
    // Randomness and the data's position are functions of these two, whatever the mesh.
    counters.put(SEED, job.seed());
    counters.put("data.step", step);
    for (int m = 0; m < learners.size(); m++) {
      counters.put("updates." + Snapshot.model(m), learners.get(m).updates());
    }
    Map<String, Double> scalars = new LinkedHashMap<>();
    scalars.put(TRAINED, trainedSeconds);
    if (main instanceof MetaPseudoLabelsStep meta) {
      scalars.put("feedback.baseline", meta.feedback().baseline());
    }
    if (writer.commit(learners, step, counters, scalars)) {
      committedStep = step;
    }
  }

  /** Loads a checkpoint, of whatever mesh; its step and seconds are among the facts. */
  Manifest.Facts restore(CheckpointReader reader) {
    try {
      Manifest.Facts facts = reader.manifest().facts();
      if (!Long.valueOf(job.seed()).equals(facts.counters().get(SEED))) {
        throw new CheckpointException(
            reader.directory(),
            "was written with seed " + facts.counters().get(SEED) + ", the job's is " + job.seed());
      }
      Snapshot.read(context, learners, reader);
      for (int m = 0; m < learners.size(); m++) {
        learners.get(m).updates(facts.counters().get("updates." + Snapshot.model(m)));
      }
      if (main instanceof MetaPseudoLabelsStep meta) {
        meta.feedback().baseline(facts.scalars().get("feedback.baseline"));
      }
      committedStep = facts.step();
      return facts;
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Without its last checkpoint a training is not done, on all ranks alike. It is tried again from
   * the last commit, when there may be room.
   */
  void checkCommitted(long step) {
    if (committedStep != step) {
      throw new UncheckedIOException(
          new CheckpointException(
              writer.root(),
              "the training is done, but its last checkpoint was not written; make room there"));
    }
  }

  /** The exported model of the last commit; called by rank 0 at the end. */
  Path export(long step) throws CheckpointException {
    return writer.export(step, Snapshot.model(learners.size() - 1));
  }
}
