package io.tandem.worker.data;

import io.tandem.protocol.mesh.Mesh;
import io.tandem.protocol.mesh.Rank;
import io.tandem.worker.random.CounterRandom;
import io.tandem.worker.random.CounterRandom.Purpose;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads one rank's images ahead of the training. A batch is a pure function of the job's seed, the
 * files, the step and the rank: starting at any step gives what running through would have given.
 * Used by the rank's thread; {@link #close} by any.
 */
public final class BatchLoader implements AutoCloseable {
  private static final int STEPS_AHEAD = 1;
  private static final Duration DEADLINE = Duration.ofMinutes(5);
  private static final int LABELED = 0;
  private static final int UNLABELED = 1;

  private final TrainingData data;
  private final BatchPlan plan;
  private final Needs needs;
  private final Mesh mesh;
  private final Rank rank;
  private final Prefetcher<Batch> batches;

  /**
   * Starts no work before the first {@link #next}.
   *
   * @param plan of the main phase or of the fine-tuning
   * @param needs what the steps look at
   */
  public BatchLoader(TrainingData data, BatchPlan plan, Needs needs, Mesh mesh, Rank rank) {
    this.data = data;
    this.plan = plan;
    this.needs = needs;
    this.mesh = mesh;
    this.rank = rank;
    this.batches = new Prefetcher<>("tandem-data-" + rank, STEPS_AHEAD, DEADLINE, this::load);
  }

  /**
   * This rank's part of a step, which is read already if steps are asked for in order.
   *
   * @throws DataException when too many images are broken or the storage does not answer
   */
  public Batch next(long step) {
    return batches.get(step);
  }

  /**
   * This rank's part of the evaluated test images {@code from} to {@code to}, which is one batch
   * over the whole mesh. Read at once, by the caller's thread; may be called beside {@link #next}.
   */
  public EvaluationBatch evaluation(int from, int to) {
    Slice replica = new Slice(from, to).part(mesh.replicas(), rank.replica());
    Slice own = replica.part(mesh.shards(), rank.shard());
    float[] images = new float[Math.multiplyExact(own.size(), data.imageSize())];
    for (int i = 0; i < own.size(); i++) {
      data.normalize(data.picture(data.readTest(own.from() + i).pixels()), images, i);
    }
    return new EvaluationBatch(images, data.testLabels(replica), replica, own);
  }

  @Override
  public void close() {
    batches.close();
  }

  private Batch load(long step) {
    List<Batch.Replacement> replaced = new ArrayList<>();
    Slice labeledReplica = Slice.ofReplica(plan.labeledBatch(), mesh, rank.replica());
    Slice labeledOwn = labeledReplica.part(mesh.shards(), rank.shard());
    long[] labeledSamples = plan.labeled(step, labeledReplica);
    float[] labeled = room(needs.labeled(), labeledOwn);
    if (needs.labeled()) {
      long[] own = plan.labeled(step, labeledOwn);
      for (int i = 0; i < own.length; i++) {
        Picture picture = read(data.readLabeled(own[i]), own[i], replaced);
        CounterRandom random = random(Purpose.WEAK_VIEW, LABELED, step, labeledOwn, i, own[i]);
        data.normalize(data.views().weak(picture, random), labeled, i);
      }
    }

    Slice unlabeledReplica = Slice.ofReplica(plan.unlabeledBatch(), mesh, rank.replica());
    Slice unlabeledOwn = unlabeledReplica.part(mesh.shards(), rank.shard());
    float[] weak = room(needs.unlabeledWeak(), unlabeledOwn);
    float[] strong = room(needs.unlabeledStrong(), unlabeledOwn);
    if (needs.unlabeled()) {
      long[] own = plan.unlabeled(step, unlabeledOwn);
      for (int i = 0; i < own.length; i++) {
        Picture picture = read(data.readUnlabeled(own[i]), own[i], replaced);
        Picture view =
            data.views()
                .weak(picture, random(Purpose.WEAK_VIEW, UNLABELED, step, unlabeledOwn, i, own[i]));
        if (needs.unlabeledWeak()) {
          data.normalize(view, weak, i);
        }
        if (needs.unlabeledStrong()) {
          CounterRandom random =
              random(Purpose.STRONG_VIEW, UNLABELED, step, unlabeledOwn, i, own[i]);
          data.normalize(data.views().strong(view, random), strong, i);
        }
      }
    }
    return new Batch(
        step,
        labeled,
        data.labels(labeledSamples),
        labeledSamples,
        weak,
        strong,
        plan.unlabeled(step, unlabeledReplica),
        labeledOwn,
        unlabeledOwn,
        replaced);
  }

  private Picture read(ReadableImages.Read read, long planned, List<Batch.Replacement> replaced) {
    if (read.sample() != planned) {
      replaced.add(new Batch.Replacement(planned, read.sample()));
    }
    return data.picture(read.pixels());
  }

  /** The place is part of the key: a sample that stands twice in a batch has two views. */
  private CounterRandom random(
      Purpose purpose, int stream, long step, Slice places, int index, long sample) {
    return CounterRandom.of(
        purpose,
        plan.seed(),
        plan.phase().ordinal(),
        stream,
        step,
        places.from() + (long) index,
        sample);
  }

  private float[] room(boolean needed, Slice places) {
    return new float[needed ? Math.multiplyExact(places.size(), data.imageSize()) : 0];
  }
}
