package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverDirectoriesTest {
  /** A process that holds a lock until its input ends. */
  private static final String HOLDER =
      """
      import java.nio.channels.FileChannel;
      import java.nio.file.*;
      class Holder {
        public static void main(String[] args) throws Exception {
          FileChannel file = FileChannel.open(Path.of(args[0]), StandardOpenOption.WRITE);
          file.lock();
          System.out.println("locked");
          System.in.read();
        }
      }
      """;

  @TempDir Path parent;

  private Path left(String process) throws IOException {
    Path directory = parent.resolve("tandem-" + process + "-1-attempt-1-0");
    Files.createDirectories(directory.resolve("images"));
    Files.writeString(directory.resolve("images/log"), "x");
    Files.createFile(parent.resolve(directory.getFileName() + ".lock"));
    return directory;
  }

  private Process holder(Path directory) throws IOException {
    Path source = Files.writeString(parent.resolve("Holder.java"), HOLDER);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                source.toString(),
                directory + ".lock")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
    assertThat(said.readLine()).isEqualTo("locked");
    return process;
  }

  @Test
  void shouldRemoveWhatTheDeadLeftAndNothingOfTheLiving() throws Exception {
    Path dead = left("dead");
    Path living = left("living");
    Path foreign = Files.createDirectory(parent.resolve("aeron-someone"));
    Process holder = holder(living);
    try {
      DriverDirectories.removeStale(parent);
      assertThat(dead).doesNotExist();
      assertThat(parent.resolve(dead.getFileName() + ".lock")).doesNotExist();
      assertThat(living.resolve("images/log")).exists();
      assertThat(foreign).exists();
    } finally {
      holder.destroyForcibly().waitFor();
    }
    DriverDirectories.removeStale(parent);
    assertThat(living).doesNotExist();
  }

  @Test
  void shouldKeepItsOwn() throws Exception {
    Path mine = DriverDirectories.create(7);
    try {
      Files.createDirectories(mine);
      DriverDirectories.removeStale(DriverDirectories.parent());
      assertThat(mine).exists();
    } finally {
      DriverDirectories.delete(mine);
    }
    assertThat(mine).doesNotExist();
    assertThat(Path.of(mine + ".lock")).doesNotExist();
  }

  @Test
  void shouldNameADriverByItsStart() throws Exception {
    Path directory = parent.resolve("shared");
    String first;
    try (SharedDriver driver = SharedDriver.launch(directory)) {
      first = DriverName.external("h", directory);
      assertThat(DriverName.external("h", driver.directory())).isEqualTo(first);
    }
    assertThatThrownBy(() -> DriverName.external("h", directory))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no media driver is at work in " + directory);
    try (SharedDriver driver = SharedDriver.launch(directory)) {
      assertThat(DriverName.external("h", driver.directory())).isNotEqualTo(first);
    }
  }
}
