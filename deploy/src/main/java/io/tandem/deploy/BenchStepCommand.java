package io.tandem.deploy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.train.StepBenchmark;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem bench step}: whole Meta Pseudo Labels steps on random images. */
@Command(
    name = "step",
    description = "Times whole Meta Pseudo Labels steps (UDA and feedback) on random images.")
final class BenchStepCommand implements Callable<Integer> {
  private static final Pattern MODEL = Pattern.compile("wide-resnet-(\\d+)-(\\d+)");

  private static final int MOST_RANKS = 1024;
  private static final int MOST_STEPS = 1_000_000;

  @Mixin Output output;

  @Option(
      names = "--model",
      defaultValue = "${env:TANDEM_BENCH_MODEL:-wide-resnet-28-2}",
      description = "(TANDEM_BENCH_MODEL; ${DEFAULT-VALUE})")
  String model;

  @Option(
      names = "--stem-stride",
      defaultValue = "${env:TANDEM_BENCH_STEM_STRIDE:-1}",
      description = "(TANDEM_BENCH_STEM_STRIDE; ${DEFAULT-VALUE})")
  int stemStride;

  @Option(
      names = "--labeled",
      defaultValue = "${env:TANDEM_BENCH_LABELED:-16}",
      description = "Images (TANDEM_BENCH_LABELED; ${DEFAULT-VALUE}).")
  int labeled;

  @Option(
      names = "--unlabeled",
      defaultValue = "${env:TANDEM_BENCH_UNLABELED:-112}",
      description = "Images (TANDEM_BENCH_UNLABELED; ${DEFAULT-VALUE}).")
  int unlabeled;

  @Option(
      names = "--image",
      defaultValue = "${env:TANDEM_BENCH_IMAGE:-32}",
      description = "Side in pixels (TANDEM_BENCH_IMAGE; ${DEFAULT-VALUE}).")
  int image;

  @Option(
      names = "--replicas",
      defaultValue = "${env:TANDEM_BENCH_REPLICAS:-1}",
      description = "(TANDEM_BENCH_REPLICAS; ${DEFAULT-VALUE})")
  int replicas;

  @Option(
      names = "--shards",
      defaultValue = "${env:TANDEM_BENCH_SHARDS:-1}",
      description = "(TANDEM_BENCH_SHARDS; ${DEFAULT-VALUE})")
  int shards;

  @Option(
      names = "--threads",
      defaultValue = "${env:TANDEM_BENCH_THREADS:-0}",
      description =
          "Compute threads a rank (TANDEM_BENCH_THREADS); 0 shares the processors among the ranks.")
  int threads;

  @Option(
      names = "--estimator",
      defaultValue = "${env:TANDEM_BENCH_ESTIMATOR:-taylor}",
      description = "Of the feedback (TANDEM_BENCH_ESTIMATOR; ${DEFAULT-VALUE}).")
  String estimator;

  @Option(
      names = "--warmup",
      defaultValue = "${env:TANDEM_BENCH_WARMUP:-2}",
      description = "Steps first (TANDEM_BENCH_WARMUP; ${DEFAULT-VALUE}).")
  int warmup;

  @Option(
      names = "--steps",
      defaultValue = "${env:TANDEM_BENCH_STEPS:-5}",
      description = "Counted (TANDEM_BENCH_STEPS; ${DEFAULT-VALUE}).")
  int steps;

  @Override
  public Integer call() {
    Matcher matcher = MODEL.matcher(model);
    if (!matcher.matches()) {
      throw new CommandException(
          ExitCode.USAGE, "--model " + model + ": allowed is wide-resnet-DEPTH-WIDTH");
    }
    within("--replicas", replicas, 1, MOST_RANKS);
    within("--shards", shards, 1, MOST_RANKS);
    within("--threads", threads, 0, MOST_RANKS);
    within("--warmup", warmup, 0, MOST_STEPS);
    within("--steps", steps, 1, MOST_STEPS);
    int ranks = replicas * shards;
    int each =
        threads > 0 ? threads : Math.max(1, Runtime.getRuntime().availableProcessors() / ranks);
    StepBenchmark.Result result =
        StepBenchmark.run(job(matcher.group(1), matcher.group(2)), each, warmup, steps);
    double[] ms = result.stepMillis();
    double median = result.medianMillis();
    double perSecond = 1000 * (labeled + unlabeled) / median;
    ObjectNode object = new ObjectMapper().createObjectNode();
    object
        .putObject("stepMillis")
        .put("min", ms[0])
        .put("median", median)
        .put("max", ms[ms.length - 1]);
    object.put("imagesPerSecond", perSecond);
    ObjectNode phases = object.putObject("phases");
    result.phaseMillis().forEach((phase, value) -> phases.put(name(phase) + "Millis", value));
    ObjectNode peaks = object.putObject("peakBytes");
    result.peakBytes().forEach((kind, value) -> peaks.put(name(kind), value));
    output.say(
        String.format(
            Locale.ROOT,
            "%s, mesh %dx%d, %d thread(s) a rank, %d+%d images of %d: %.0f ms a step"
                + " (min %.0f, max %.0f), %.1f images/s",
            model,
            replicas,
            shards,
            each,
            labeled,
            unlabeled,
            image,
            median,
            ms[0],
            ms[ms.length - 1],
            perSecond));
    output.say("phases " + phases);
    output.say("peak bytes " + peaks);
    output.object(object);
    return ExitCode.SUCCEEDED;
  }

  private static void within(String option, int given, int least, int most) {
    if (given < least || given > most) {
      throw new CommandException(
          ExitCode.USAGE, "%s %d: allowed are %d to %d".formatted(option, given, least, most));
    }
  }

  private static String name(Enum<?> constant) {
    String[] words = constant.name().toLowerCase(Locale.ROOT).split("_");
    StringBuilder name = new StringBuilder(words[0]);
    for (int i = 1; i < words.length; i++) {
      name.append(Character.toUpperCase(words[i].charAt(0))).append(words[i].substring(1));
    }
    return name.toString();
  }

  private JobSpec job(String depth, String width) {
    String yaml =
        """
        name: bench
        mesh: {replicas: %d, shards: %d}
        data: {format: idx, path: none, imageHeight: %d, imageWidth: %d, channels: 3, classes: 10}
        model: {family: wide-resnet, depth: %s, width: %s, stemStride: %d}
        algorithm: {name: meta-pseudo-labels, feedback: {estimator: "%s"}}
        training: {steps: 1000000, labeledBatch: %d, unlabeledBatch: %d}
        """
            .formatted(
                replicas,
                shards,
                image,
                image,
                depth,
                width,
                stemStride,
                estimator,
                labeled,
                unlabeled);
    try {
      return JobFiles.parse(yaml.getBytes(StandardCharsets.UTF_8), Map.of());
    } catch (JobFileException e) {
      throw new CommandException(ExitCode.USAGE, "these options do not fit: " + e.getMessage());
    }
  }
}
