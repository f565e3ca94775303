package io.tandem.protocol.job;

import io.tandem.protocol.job.JobField.Range;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Every value of a job file with its range and default: the one table that all else follows. */
final class JobFields {
  private static final int MOST_STEPS = 100_000_000;
  private static final int MOST_BATCH = 1 << 20;
  private static final double HUGE = 1e6;
  private static final Map<String, JobField> FIELDS = new LinkedHashMap<>();

  static {
    text("name", "[A-Za-z0-9][A-Za-z0-9._-]{0,62}", null);
    add("seed", Range.ALL, null, 1L, null, null);
    integer("mesh.replicas", 1, 1024, 1);
    integer("mesh.shards", 1, 1024, 1);
    text("pool", "(" + PoolName.PATTERN + ")?", "");

    choice("data.format", null);
    text("data.path", "(?s).+", null);
    integer("data.imageHeight", 1, 1 << 16, null);
    integer("data.imageWidth", 1, 1 << 16, null);
    add("data.channels", new Range(1, false, 3, false), null, null, null, null);
    integer("data.classes", 2, 1 << 16, null);
    integer("data.labeledPerClass", 0, MOST_BATCH, 0);
    number("data.maximumBroken", closed(0, 1), 0.01);
    integer("data.testLimit", 0, Integer.MAX_VALUE, 0);
    perChannel("data.mean", closed(0, 1));
    perChannel("data.standardDeviation", new Range(0, true, 10, false));
    choice("data.augmentation.flip", true);
    integer("data.augmentation.cropPadding", 0, 1 << 12, 4);
    integer("data.augmentation.operations", 0, 16, 2);
    number("data.augmentation.magnitude", closed(0, 30), 5.0);
    choice("data.augmentation.excluded", List.of());
    integer("data.augmentation.cutout", 0, 1 << 16, 8);
    integer("data.augmentation.fill", 0, 255, 128);

    choice("model.family", null);
    derived(
        "model.depth",
        closed(1, 1000),
        "10 (wide-resnet), 2 (mlp)",
        v -> v.get("model.family") == ModelSpec.Family.MLP ? 2 : 10);
    derived(
        "model.width",
        closed(1, 1 << 14),
        "1 (wide-resnet), 128 (mlp)",
        v -> v.get("model.family") == ModelSpec.Family.MLP ? 128 : 1);
    integer("model.stemChannels", 1, 1024, 16);
    integer("model.stemStride", 1, 16, 1);
    number("model.dropout", belowOne(), 0.0);
    number("model.batchNormMomentum", belowOne(), 0.99);
    integer("model.minimumStrip", 1, 1 << 12, 4);

    choice("algorithm.name", AlgorithmSpec.Name.META_PSEUDO_LABELS);
    number("algorithm.labelSmoothing", belowOne(), 0.0);
    number("algorithm.uda.weight", closed(0, HUGE), 1.0);
    integer("algorithm.uda.rampSteps", 0, MOST_STEPS, 0);
    number("algorithm.uda.temperature", new Range(0, true, 100, false), 0.7);
    number("algorithm.uda.threshold", closed(0, 1), 0.8);
    number("algorithm.pseudoLabels.weight", closed(0, HUGE), 1.0);
    integer("algorithm.pseudoLabels.rampSteps", 0, MOST_STEPS, 0);
    number("algorithm.pseudoLabels.threshold", closed(0, 1), 0.95);
    choice("algorithm.feedback.estimator", AlgorithmSpec.Estimator.ALL_LABELS);
    number("algorithm.feedback.scale", closed(0, HUGE), 1.0);
    number("algorithm.feedback.baselineDecay", belowOne(), 0.99);
    integer("algorithm.fineTune.steps", 0, MOST_STEPS, 0);
    number("algorithm.fineTune.learningRate", new Range(0, true, 100, false), 1e-3);
    derived(
        "algorithm.fineTune.batch",
        closed(1, MOST_BATCH),
        "training.labeledBatch",
        v -> v.get("training.labeledBatch"));

    integer("training.steps", 1, MOST_STEPS, null);
    integer("training.labeledBatch", 1, MOST_BATCH, null);
    derived(
        "training.unlabeledBatch",
        closed(0, MOST_BATCH),
        "4 x training.labeledBatch, or 0 (supervised)",
        JobFields::unlabeledBatch);
    optimizer("training.teacher");
    optimizer("training.student");
    number("training.ema", belowOne(), 0.99);

    integer("evaluation.every", 0, MOST_STEPS, 0);
    integer("evaluation.batch", 1, MOST_BATCH, 128);
    integer("checkpoint.every", 0, MOST_STEPS, 100);
    integer("checkpoint.keep", 1, 1000, 3);
    text("checkpoint.path", null, "");
    integer("recovery.maximumRestarts", 0, 1_000_000, 10);
    number("recovery.peerTimeoutSeconds", closed(0.1, 3600), 6.0);
  }

  private JobFields() {}

  /** By path, in the order of the records' components. */
  static Map<String, JobField> all() {
    return Collections.unmodifiableMap(FIELDS);
  }

  private static void optimizer(String path) {
    number(path + ".learningRate", new Range(0, true, 100, false), 0.05);
    integer(path + ".warmupSteps", 0, MOST_STEPS, 0);
    integer(path + ".waitSteps", 0, MOST_STEPS, 0);
    number(path + ".momentum", belowOne(), 0.9);
    choice(path + ".nesterov", true);
    number(path + ".weightDecay", closed(0, 1), 5e-4);
    number(path + ".clipNorm", closed(0, HUGE), 0.0);
  }

  private static Object unlabeledBatch(JobValues values) {
    if (values.get("algorithm.name") == AlgorithmSpec.Name.SUPERVISED) {
      return 0;
    }
    return values.get("training.labeledBatch") instanceof Integer batch
        ? (Integer) (int) Math.min(MOST_BATCH, 4L * batch)
        : null;
  }

  private static void perChannel(String path, Range range) {
    add(
        path,
        range,
        null,
        null,
        v ->
            v.get("data.channels") instanceof Integer channels
                ? Collections.nCopies(channels, 0.5)
                : null,
        "0.5 for every channel");
  }

  private static void integer(String path, int least, int most, Integer standard) {
    add(path, closed(least, most), null, standard, null, null);
  }

  private static void number(String path, Range range, Double standard) {
    add(path, range, null, standard, null, null);
  }

  private static void choice(String path, Object standard) {
    add(path, Range.ALL, null, standard, null, null);
  }

  private static void text(String path, String pattern, String standard) {
    add(path, Range.ALL, pattern == null ? null : Pattern.compile(pattern), standard, null, null);
  }

  private static void derived(
      String path, Range range, String derivation, Function<JobValues, Object> derived) {
    add(path, range, null, null, derived, derivation);
  }

  private static void add(
      String path,
      Range range,
      Pattern pattern,
      Object standard,
      Function<JobValues, Object> derived,
      String derivation) {
    FIELDS.put(path, new JobField(path, range, pattern, standard, derived, derivation));
  }

  private static Range closed(double least, double most) {
    return new Range(least, false, most, false);
  }

  private static Range belowOne() {
    return new Range(0, false, 1, true);
  }
}
