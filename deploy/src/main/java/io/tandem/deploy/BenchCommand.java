package io.tandem.deploy;

import picocli.CommandLine.Command;

/** {@code tandem bench}: what this machine does. */
@Command(
    name = "bench",
    description = "Measures a training step or the collectives on this machine.",
    subcommands = {BenchStepCommand.class, BenchCollectivesCommand.class, BenchRankCommand.class})
final class BenchCommand {}
