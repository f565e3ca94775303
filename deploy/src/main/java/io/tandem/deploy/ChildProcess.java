package io.tandem.deploy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * This program once more, in a process of its own that never outlives this one. What it says on
 * standard error goes to this one's.
 */
final class ChildProcess implements AutoCloseable {
  private static final long GRACE_SECONDS = 5;

  private final Process process;
  private final BufferedReader out;

  private ChildProcess(Process process) {
    this.process = process;
    this.out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Starts it with this JVM's options; {@code --with-parent} is added. */
  static ChildProcess start(List<String> arguments) {
    return start(arguments, new ProcessBuilder().redirectError(ProcessBuilder.Redirect.INHERIT));
  }

  /**
   * The same, with only the options given: none comes from the environment.
   *
   * @param errors the file that takes what it says on standard error
   * @param inherited variables that it gets nevertheless
   */
  static ChildProcess start(List<String> arguments, Path errors, Set<String> inherited) {
    ProcessBuilder builder = new ProcessBuilder().redirectError(errors.toFile());
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("TANDEM_") && !inherited.contains(name));
    return start(arguments, builder);
  }

  private static ChildProcess start(List<String> arguments, ProcessBuilder builder) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    command.addAll(arguments);
    command.add("--with-parent");
    try {
      return new ChildProcess(builder.command(command).start());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command.get(0), e);
    }
  }

  /**
   * The rest of its first line, which begins with that.
   *
   * @throws CommandException where it says something else, or ends
   */
  String awaitLine(String beginning) {
    try {
      String line = out.readLine();
      if (line == null || !line.startsWith(beginning)) {
        throw new CommandException(
            ExitCode.FAILED, "a process of this command said '" + line + "' instead of starting");
      }
      return line.substring(beginning.length());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  long pid() {
    return process.pid();
  }

  /** What it has used of the processors. */
  double cpuSeconds() {
    return process.toHandle().info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1000.0;
  }

  /** Asks it to end, and kills it where it does not. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
