package io.tandem.deploy;

import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.job.Mistake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The job file that a command works on. */
final class JobFile {
  @Parameters(paramLabel = "JOB.yaml", description = "The job file, YAML or JSON.")
  Path path;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      split = ";",
      defaultValue = "${env:TANDEM_SET:-" + Option.NULL_VALUE + "}",
      description = {
        "What $${KEY} stands for in the job file; may be repeated, or hold several of them with ';'"
            + " between (TANDEM_SET)."
      })
  Map<String, String> parameters;

  /** Reads it with its parameters; every mistake is told at once. */
  JobSpec read() {
    return read(path, parameters == null ? Map.of() : parameters);
  }

  static JobSpec read(Path path, Map<String, String> parameters) {
    try {
      return JobFiles.parse(Files.readAllBytes(path), parameters);
    } catch (NoSuchFileException e) {
      throw new CommandException(ExitCode.USAGE, "no job file " + path);
    } catch (IOException e) {
      throw new CommandException(ExitCode.USAGE, "cannot read " + path + ": " + e.getMessage());
    } catch (JobFileException e) {
      String mistakes =
          e.mistakes().stream().map(Mistake::toString).collect(Collectors.joining("\n  "));
      throw new CommandException(ExitCode.USAGE, path + " has mistakes:\n  " + mistakes);
    }
  }
}
