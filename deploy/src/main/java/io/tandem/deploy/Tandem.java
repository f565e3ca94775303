package io.tandem.deploy;

import io.tandem.protocol.control.ProtocolVersion;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code tandem} itself: only its subcommands do something. */
@Command(
    name = "tandem",
    versionProvider = Tandem.Version.class,
    description = "Trains image classifiers by Meta Pseudo Labels on a cluster of JVMs.",
    footer = {
      "",
      "Exit codes: 0 succeeded, 1 failed, 2 wrong usage, 3 cancelled, 4 coordinator not reached."
    })
final class Tandem extends ClientCommands implements Runnable {
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"tandem " + ProtocolVersion.release()};
    }
  }

  @Spec CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      defaultValue = "${env:TANDEM_VERBOSE:-false}",
      fallbackValue = "true",
      description = "Show stack traces of errors (TANDEM_VERBOSE).")
  boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  boolean version;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Which command? See tandem --help.");
  }
}
