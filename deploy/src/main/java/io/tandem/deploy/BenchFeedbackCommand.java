package io.tandem.deploy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.protocol.job.AlgorithmSpec.Name;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.train.FeedbackBenchmark;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem bench feedback}: the noise of every estimator on the user's own job. */
@Command(
    name = "feedback",
    description =
        "Trains a job of Meta Pseudo Labels for some steps, then repeats one step with newly drawn"
            + " labels and prints each estimator's scale and variance against the meta-gradient.")
final class BenchFeedbackCommand implements Callable<Integer> {
  @Mixin Output output;
  @Mixin JobFile file;

  @Option(
      names = "--after",
      defaultValue = "${env:TANDEM_BENCH_AFTER:-300}",
      description = "Steps of training first (TANDEM_BENCH_AFTER; ${DEFAULT-VALUE}).")
  int after;

  @Option(
      names = "--draws",
      defaultValue = "${env:TANDEM_BENCH_DRAWS:-32}",
      description = "Of labels, for each estimator (TANDEM_BENCH_DRAWS; ${DEFAULT-VALUE}).")
  int draws;

  @Override
  public Integer call() {
    JobSpec job = file.read();
    if (job.algorithm().name() != Name.META_PSEUDO_LABELS) {
      throw new CommandException(
          ExitCode.USAGE,
          "algorithm.name is " + job.algorithm().name() + ": only meta-pseudo-labels has feedback");
    }
    if (draws < 2 || after < 0 || after >= job.training().steps()) {
      throw new CommandException(
          ExitCode.USAGE,
          "--draws at least 2, --after 0 to training.steps - 1 = " + (job.training().steps() - 1));
    }
    List<FeedbackBenchmark.Row> rows =
        FeedbackBenchmark.run(job, after, draws, Runtime.getRuntime().availableProcessors());
    ObjectNode object = new ObjectMapper().createObjectNode();
    object.put("after", after).put("draws", draws);
    ArrayNode array = object.putArray("estimators");
    output.say("| estimator | baseline | scale | its standard error | variance |");
    output.say("|---|---|---|---|---|");
    for (FeedbackBenchmark.Row row : rows) {
      String name = row.estimator().name().toLowerCase(Locale.ROOT).replace('_', '-');
      output.say(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.4g | %.2g | %.4g |",
              name,
              row.baseline() ? "yes" : "no",
              row.scale(),
              row.scaleError(),
              row.variance()));
      array
          .addObject()
          .put("estimator", name)
          .put("baseline", row.baseline())
          .put("scale", row.scale())
          .put("scaleError", row.scaleError())
          .put("variance", row.variance());
    }
    output.object(object);
    return ExitCode.SUCCEEDED;
  }
}
