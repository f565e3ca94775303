package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A real process of the command line, with its output in files. */
final class TandemProcess implements AutoCloseable {
  /**
   * A build that a shell runs in the background ignores Ctrl-C, and so would every process that it
   * starts; this undoes it where the system's env can.
   */
  private static final List<String> HEARING_INTERRUPTS = hearingInterrupts();

  private final Process process;
  private final Path out;
  private final Path err;

  private TandemProcess(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  private static List<String> hearingInterrupts() {
    List<String> command = List.of("env", "--default-signal=INT");
    List<String> trial = new ArrayList<>(command);
    trial.add("true");
    try {
      Process process =
          new ProcessBuilder(trial)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor() == 0 ? command : List.of();
    } catch (IOException e) {
      return List.of();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static TandemProcess start(Path directory, String... arguments) throws IOException {
    return start(directory, Map.of(), arguments);
  }

  /** The same with environment variables. */
  static TandemProcess start(Path directory, Map<String, String> environment, String... arguments)
      throws IOException {
    return start(directory, List.of(), environment, arguments);
  }

  /** The same by another command, which becomes the process. */
  static TandemProcess start(
      Path directory, List<String> by, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(by);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + Path.of("bin", "jvm.options").toAbsolutePath());
    command.add("-Xmx512m");
    command.add("-XX:+UseSerialGC");
    // Most of these live for seconds: a second compiler would take more time than it saves.
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-Dlogback.configurationFile=logback.xml");
    command.add("-cp");
    String own = System.getProperty("java.class.path");
    command.add(System.getProperty("surefire.test.class.path", own));
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    Map<String, String> all = new HashMap<>(environment);
    all.putIfAbsent("OMP_WAIT_POLICY", "passive");
    return start(directory, arguments[0], all, command);
  }

  /**
   * Any other command that ends by signals as ours do.
   *
   * @param name of its files
   */
  static TandemProcess start(
      Path directory, String name, Map<String, String> environment, List<String> command)
      throws IOException {
    Path out = Files.createTempFile(directory, name, ".out");
    Path err = Files.createTempFile(directory, name, ".err");
    List<String> all = new ArrayList<>(HEARING_INTERRUPTS);
    all.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(all);
    builder.environment().putAll(environment);
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    return new TandemProcess(builder.start(), out, err);
  }

  /** Waits for that pattern in what the process said on either stream. */
  Matcher await(String pattern) {
    Pattern wanted = Pattern.compile(pattern);
    Matcher[] found = new Matcher[1];
    try {
      await(wanted, found);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError("'" + pattern + "' did not come, but\n" + said(), e);
    }
    return found[0];
  }

  private void await(Pattern wanted, Matcher[] found) {
    Awaitility.await()
        .alias("'" + wanted + "'")
        .atMost(Duration.ofSeconds(90))
        .pollInterval(Duration.ofMillis(100))
        .until(
            () -> {
              Matcher matcher = wanted.matcher(said());
              if (matcher.find()) {
                found[0] = matcher;
                return true;
              }
              if (!process.isAlive()) {
                throw new IllegalStateException("the process has ended; it said\n" + said());
              }
              return false;
            });
  }

  /** All it said so far. */
  String said() {
    try {
      return Files.readString(out) + Files.readString(err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Its standard output. */
  String out() throws IOException {
    return Files.readString(out);
  }

  long pid() {
    return process.pid();
  }

  /** It and what it has started. */
  Stream<ProcessHandle> family() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants());
  }

  /** As by {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Stops it for a while, as a virtual machine that is moved, or a long garbage collection. */
  void pause(Duration time) throws Exception {
    freeze();
    Awaitility.await().pollDelay(time).atMost(time.plusSeconds(5)).until(process::isAlive);
    thaw();
  }

  void freeze() throws Exception {
    signal("-STOP");
  }

  /** Ends {@link #freeze}. */
  void thaw() throws Exception {
    signal("-CONT");
  }

  boolean isAlive() {
    return process.isAlive();
  }

  private void signal(String name) throws Exception {
    String pid = String.valueOf(process.pid());
    assertThat(new ProcessBuilder("kill", name, pid).start().waitFor()).isZero();
  }

  /** As by {@code kill}. */
  void terminate() {
    process.destroy();
  }

  /** As by Ctrl-C. */
  void interrupt() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-INT", String.valueOf(pid())).inheritIO().start().waitFor();
  }

  int exitCode() throws Exception {
    return exitCode(Duration.ofSeconds(120));
  }

  int exitCode(Duration patience) throws Exception {
    if (!process.waitFor(patience.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("the process does not end; it said\n" + said());
    }
    return process.exitValue();
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
