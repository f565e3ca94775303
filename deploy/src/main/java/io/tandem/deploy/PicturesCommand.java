package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.DataException;
import io.tandem.worker.data.PictureGenerator;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tandem pictures}: data to try a cluster with. */
@Command(
    name = "pictures",
    description =
        "Draws pictures to train on, in folders as a job's data format 'folder' has them.")
final class PicturesCommand implements Callable<Integer> {
  @Mixin Output output;

  @Parameters(paramLabel = "DIR", description = "An empty or new directory.")
  Path directory;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_SEED:-1}",
      description = "The same seed draws the same pictures (TANDEM_SEED; ${DEFAULT-VALUE}).")
  long seed;

  @Option(
      names = "--classes",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_CLASSES:-4}",
      description = "Kinds of pictures (TANDEM_CLASSES; ${DEFAULT-VALUE}).")
  int classes;

  @Option(
      names = "--labeled",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_LABELED:-16}",
      description = "Labelled ones of each class (TANDEM_LABELED; ${DEFAULT-VALUE}).")
  int labeled;

  @Option(
      names = "--unlabeled",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_UNLABELED:-400}",
      description = "Unlabelled ones (TANDEM_UNLABELED; ${DEFAULT-VALUE}).")
  int unlabeled;

  @Option(
      names = "--test",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_TEST:-50}",
      description = "Of each class to test on (TANDEM_TEST; ${DEFAULT-VALUE}).")
  int test;

  @Option(
      names = "--side",
      paramLabel = "PIXELS",
      defaultValue = "${env:TANDEM_SIDE:-512}",
      description = "Rows and columns (TANDEM_SIDE; ${DEFAULT-VALUE}).")
  int side;

  @Override
  public Integer call() {
    PictureGenerator generator;
    try {
      generator = new PictureGenerator(seed, classes, labeled, unlabeled, test, side);
    } catch (DataException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    }
    int written =
        generator.write(
            directory, DataSpec.Format.FOLDER, Runtime.getRuntime().availableProcessors());
    output.say(written + " pictures in " + directory);
    output.object(
        JsonNodeFactory.instance
            .objectNode()
            .put("pictures", written)
            .put("directory", directory.toString()));
    return ExitCode.SUCCEEDED;
  }
}
