package io.tandem.protocol.job;

import java.util.List;
import java.util.function.BooleanSupplier;

/** What values must satisfy together. A rule about a value that is already wrong stays silent. */
final class JobRules {
  private final JobSpec job;
  private final JobValues values;
  private final List<Mistake> mistakes;

  private JobRules(JobSpec job, JobValues values, List<Mistake> mistakes) {
    this.job = job;
    this.values = values;
    this.mistakes = mistakes;
  }

  static void check(JobSpec job, JobValues values, List<Mistake> mistakes) {
    var rules = new JobRules(job, values, mistakes);
    rules.data();
    rules.model();
    rules.batches();
    rules.schedules();
  }

  private void data() {
    var data = job.data();
    require(
        () -> data.channels() == 1 || data.channels() == 3,
        data.channels() + "",
        "1 (grey) or 3 (red, green, blue)",
        "data.channels");
    require(
        () -> data.mean().size() == data.channels(),
        data.mean().size() + " numbers " + data.mean(),
        "one number for each of the " + data.channels() + " channels",
        "data.mean",
        "data.channels");
    require(
        () -> data.standardDeviation().size() == data.channels(),
        data.standardDeviation().size() + " numbers " + data.standardDeviation(),
        "one number for each of the " + data.channels() + " channels",
        "data.standardDeviation",
        "data.channels");
    int smaller = Math.min(data.imageHeight(), data.imageWidth());
    require(
        () -> data.augmentation().cropPadding() < smaller,
        data.augmentation().cropPadding() + "",
        "less than the smaller side of the image, " + smaller,
        "data.augmentation.cropPadding",
        "data.imageHeight",
        "data.imageWidth");
    require(
        () -> data.augmentation().cutout() <= smaller,
        data.augmentation().cutout() + "",
        "at most the smaller side of the image, " + smaller + "; 0 means none",
        "data.augmentation.cutout",
        "data.imageHeight",
        "data.imageWidth");
    require(
        () -> data.imageWidth() >= job.mesh().shards(),
        data.imageWidth() + " columns for " + job.mesh().shards() + " shards",
        "at least one column a shard: widen the images or take fewer shards (mesh.shards)",
        "data.imageWidth",
        "mesh.shards");
  }

  private void model() {
    var model = job.model();
    if (model.family() != ModelSpec.Family.WIDE_RESNET) {
      return;
    }
    require(
        () -> model.depth() >= 10 && (model.depth() - 4) % 6 == 0,
        model.depth() + "",
        "6n + 4 for a wide-resnet: 10, 16, 22, 28, 34, 40, ...",
        "model.depth");
    // The three groups of blocks have strides 1, 2, 2.
    int stride = 4 * model.stemStride();
    imageSide("data.imageHeight", job.data().imageHeight(), stride);
    imageSide("data.imageWidth", job.data().imageWidth(), stride);
  }

  private void imageSide(String path, int side, int stride) {
    require(
        () -> side >= stride,
        side + " pixels",
        "at least " + stride + " pixels, the model's whole stride (4 x model.stemStride)",
        path,
        "model.stemStride");
  }

  private void batches() {
    var training = job.training();
    var algorithm = job.algorithm();
    batch("training.labeledBatch", training.labeledBatch());
    if (algorithm.name() != AlgorithmSpec.Name.SUPERVISED) {
      batch("training.unlabeledBatch", training.unlabeledBatch());
    }
    if (algorithm.fineTune().steps() > 0) {
      batch("algorithm.fineTune.batch", algorithm.fineTune().batch());
    }
    batch("evaluation.batch", job.evaluation().batch());
  }

  private void batch(String path, int images) {
    int replicas = job.mesh().replicas();
    require(
        () -> images >= replicas,
        images + " images for " + replicas + " replicas",
        "at least one image a replica: " + replicas + " or more, or fewer mesh.replicas",
        path,
        "mesh.replicas");
  }

  private void schedules() {
    schedule("training.teacher", job.training().teacher());
    schedule("training.student", job.training().student());
  }

  private void schedule(String path, TrainingSpec.OptimizerSpec optimizer) {
    long before = (long) optimizer.waitSteps() + optimizer.warmupSteps();
    require(
        () -> before < job.training().steps(),
        "%d waitSteps + %d warmupSteps = %d"
            .formatted(optimizer.waitSteps(), optimizer.warmupSteps(), before),
        "less than training.steps, " + job.training().steps(),
        path + ".warmupSteps",
        path + ".waitSteps",
        "training.steps");
  }

  /** The first path is the one told. */
  private void require(BooleanSupplier rule, String given, String allowed, String... paths) {
    if (values.sound(paths) && !rule.getAsBoolean()) {
      values.markBroken(paths[0]);
      mistakes.add(new Mistake(paths[0], given, allowed));
    }
  }
}
