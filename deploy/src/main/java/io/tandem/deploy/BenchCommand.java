package io.tandem.deploy;

import picocli.CommandLine.Command;

/** {@code tandem bench}: what this machine does. */
@Command(
    name = "bench",
    description = "Measures a training step, the collectives, or the noise of the feedback.",
    subcommands = {
      BenchStepCommand.class,
      BenchCollectivesCommand.class,
      BenchFeedbackCommand.class,
      BenchRankCommand.class
    })
final class BenchCommand {}
