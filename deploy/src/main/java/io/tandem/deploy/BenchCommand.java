package io.tandem.deploy;

import picocli.CommandLine.Command;

/** {@code tandem bench}: what this machine does. */
@Command(
    name = "bench",
    description =
        "Measures a training step, the collectives, a coordinator under load, or the noise of the"
            + " feedback.",
    subcommands = {
      BenchStepCommand.class,
      BenchCollectivesCommand.class,
      BenchControlCommand.class,
      BenchFeedbackCommand.class,
      BenchRankCommand.class
    })
final class BenchCommand {}
