package io.tandem.deploy;

import io.tandem.deploy.client.ClientException;
import io.tandem.worker.data.DataException;
import io.tandem.worker.train.AttemptRun;
import io.tandem.worker.train.DivergedException;
import io.tandem.worker.train.LocalRanks;
import java.util.Set;
import picocli.CommandLine;

/** The command line. Every command says what it wants with {@code --help}. */
public final class Main {
  private static final Set<String> SERVERS = Set.of("coordinator", "worker");

  private Main() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    if (arguments.length > 0 && SERVERS.contains(arguments[0])) {
      System.setProperty("tandem.log", System.getProperty("tandem.log", "INFO"));
    }
    int code;
    try {
      code = commandLine(LocalRanks::start).execute(arguments);
    } finally {
      Interruption.end();
    }
    System.exit(code);
  }

  /**
   * All commands.
   *
   * @param starter of the attempts on the workers of this process
   */
  static CommandLine commandLine(AttemptRun.Starter starter) {
    CommandLine root = new CommandLine(new Tandem());
    root.addSubcommand(new CoordinatorCommand());
    root.addSubcommand(new WorkerCommand(starter));
    root.addSubcommand(new MediaDriverCommand());
    root.addSubcommand(new TokenCommand());
    root.addSubcommand(new RunCommand(starter));
    root.addSubcommand(new DemoCommand(starter));
    root.addSubcommand(new PicturesCommand());
    root.addSubcommand(new SubmitCommand());
    root.addSubcommand(new VerifyCommand());
    root.addSubcommand(new BenchCommand());
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setExecutionExceptionHandler(Main::report);
    return root;
  }

  /** One clear message; a stack trace only when asked for, or when the program is at fault. */
  private static int report(Exception e, CommandLine command, CommandLine.ParseResult result) {
    Tandem tandem = (Tandem) root(command).getCommand();
    boolean own =
        e instanceof CommandException
            || e instanceof ClientException
            || e instanceof DataException
            || e instanceof DivergedException;
    String message = own ? e.getMessage() : "unexpected error: " + e;
    command.getErr().println("tandem: " + message);
    if (tandem.verbose) {
      e.printStackTrace(command.getErr());
    } else if (!own) {
      command.getErr().println("Run it again with --verbose for the stack trace.");
    }
    command.getErr().flush();
    if (e instanceof CommandException mistake) {
      return mistake.exitCode();
    }
    if (e instanceof ClientException answer) {
      if (answer.unreachable()) {
        return ExitCode.UNREACHABLE;
      }
      return answer.status() == 400 || answer.status() == 404 ? ExitCode.USAGE : ExitCode.FAILED;
    }
    return ExitCode.FAILED;
  }

  private static CommandLine root(CommandLine command) {
    return command.getParent() == null ? command : root(command.getParent());
  }
}
