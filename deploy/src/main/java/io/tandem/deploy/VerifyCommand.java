package io.tandem.deploy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.worker.engine.DType;
import io.tandem.worker.train.Verify;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem verify}: the proof on the user's own job. */
@Command(
    name = "verify",
    description =
        "Proves on a job that S shards compute what one computes: the largest differences of the"
            + " models' logits and a step's losses (output), of all gradients, of the batch-norm"
            + " statistics, and of all weights after some whole steps. Exit code 1 past the"
            + " tolerance. With --json a difference is null where a value is not finite; that is past"
            + " any tolerance.")
final class VerifyCommand implements Callable<Integer> {
  @Mixin Output output;
  @Mixin JobFile file;

  @Option(
      names = "--shards",
      split = ",",
      defaultValue = "${env:TANDEM_VERIFY_SHARDS:-1,2,3,4,8,16}",
      description = "Numbers of shards to try (TANDEM_VERIFY_SHARDS; ${DEFAULT-VALUE}).")
  int[] shards;

  @Option(
      names = "--steps",
      defaultValue = "${env:TANDEM_VERIFY_STEPS:-2}",
      description =
          "Whole steps before the weights are compared (TANDEM_VERIFY_STEPS; ${DEFAULT-VALUE}).")
  int steps;

  @Option(
      names = "--dtype",
      defaultValue = "${env:TANDEM_VERIFY_DTYPE:-float32}",
      description =
          "What it computes in: float32, as jobs do, or float64, where the differences that are"
              + " left are not float32's roundings (TANDEM_VERIFY_DTYPE; ${DEFAULT-VALUE}).")
  String dtype;

  @Option(
      names = "--tolerance",
      defaultValue = "${env:TANDEM_VERIFY_TOLERANCE:-1e-2}",
      description =
          "Largest relative difference of a tensor, its largest difference over its largest value"
              + " (TANDEM_VERIFY_TOLERANCE; ${DEFAULT-VALUE}).")
  double tolerance;

  @Override
  public Integer call() {
    for (int s : shards) {
      if (s < 1 || s > 1024) {
        throw new CommandException(ExitCode.USAGE, "--shards " + s + ": allowed are 1 to 1024");
      }
    }
    if (steps < 1) {
      throw new CommandException(ExitCode.USAGE, "--steps " + steps + ": at least 1");
    }
    if (!(tolerance >= 0) || tolerance == Double.POSITIVE_INFINITY) {
      throw new CommandException(
          ExitCode.USAGE, "--tolerance " + tolerance + ": allowed are 0 and more, finite");
    }
    DType type =
        switch (dtype) {
          case "float32" -> DType.FLOAT32;
          case "float64" -> DType.FLOAT64;
          default ->
              throw new CommandException(
                  ExitCode.USAGE, "--dtype " + dtype + ": allowed are float32, float64");
        };
    List<Verify.Row> rows = Verify.run(file.read(), shards, steps, type);
    output.say(
        String.format(
            "%6s  %21s  %21s  %21s  %21s",
            "shards", "output", "gradients", "statistics", "weights"));
    for (Verify.Row row : rows) {
      output.say(
          String.format(
              "%6d  %s  %s  %s  %s  %s",
              row.shards(),
              text(row.output()),
              text(row.gradients()),
              text(row.statistics()),
              text(row.weights()),
              row.within(tolerance) ? "ok" : "PAST THE TOLERANCE"));
    }
    output.say(
        "Each: largest absolute, largest relative difference from 1 shard; tolerance " + tolerance);
    ObjectNode object = object(rows, tolerance);
    output.object(object);
    return object.path("passed").asBoolean() ? ExitCode.SUCCEEDED : ExitCode.FAILED;
  }

  /** What {@code --json} prints. */
  static ObjectNode object(List<Verify.Row> rows, double tolerance) {
    boolean passed = rows.stream().allMatch(row -> row.within(tolerance));
    ObjectNode object = new ObjectMapper().createObjectNode().put("passed", passed);
    ArrayNode array = object.putArray("shards");
    for (Verify.Row row : rows) {
      ObjectNode one = array.addObject().put("shards", row.shards());
      put(one, "output", row.output());
      put(one, "gradients", row.gradients());
      put(one, "statistics", row.statistics());
      put(one, "weights", row.weights());
    }
    return object;
  }

  private static String text(Verify.Difference d) {
    return String.format(Locale.ROOT, "%10.2e %10.2e", d.absolute(), d.relative());
  }

  private static void put(ObjectNode node, String name, Verify.Difference d) {
    ObjectNode both = node.putObject(name);
    both.put("absolute", finite(d.absolute())).put("relative", finite(d.relative()));
  }

  /** JSON has no other numbers. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? (Double) value : null;
  }
}
