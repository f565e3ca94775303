package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a process, on small pictures and few steps. */
class DemoIT {
  @TempDir Path directory;
  @TempDir Path streams;

  @Test
  void shouldTrainBothWaysAndPrintOneObject() throws Exception {
    Path home = directory.resolve("new/home");
    try (TandemProcess demo = start("--json", "--steps", "10", "--directory", home.toString())) {
      assertThat(demo.exitCode()).as(demo.said()).isZero();
      assertThat(demo.out().strip().lines()).hasSize(1);
      JsonNode report = new ObjectMapper().readTree(demo.out());
      assertThat(report.properties().stream().map(entry -> entry.getKey()))
          .containsExactly("supervised", "metaPseudoLabels", "seconds");
      for (String method : List.of("supervised", "metaPseudoLabels")) {
        assertThat(report.path(method).path("testAccuracy").asDouble()).isBetween(0.01, 1.0);
      }
      assertThat(report.path("seconds").asDouble()).isPositive();
      assertThat(demo.said())
          .contains("10/10")
          .contains("meta-pseudo-labels.safetensors")
          .contains(home.toString());
    }
    assertThat(home.resolve("supervised.safetensors")).isNotEmptyFile();
    assertThat(home.resolve("meta-pseudo-labels.safetensors")).isNotEmptyFile();
    assertThat(home.resolve("metrics/workers.prom")).content().contains("tandem_");
    JsonNode series =
        new ObjectMapper().readTree(home.resolve("metrics/meta-pseudo-labels.json").toFile());
    assertThat(series.findValuesAsText("name")).contains("accuracy.test", "loss.student");
  }

  @Test
  void shouldLeaveNothingWhenInterrupted() throws Exception {
    Path home = directory.resolve("home");
    try (TandemProcess demo = start("--steps", "100000", "--directory", home.toString())) {
      demo.await("steps/s");
      assertThat(mediaDrivers(demo.pid())).isNotEmpty();
      demo.interrupt();
      assertThat(demo.exitCode()).as(demo.said()).isEqualTo(130);
      assertThat(demo.said()).contains("interrupted; what it wrote to " + home + " is removed");
      assertThat(mediaDrivers(demo.pid())).isEmpty();
    }
    assertThat(home).doesNotExist();
  }

  @Test
  void shouldRefuseADirectoryThatHoldsSomething() throws Exception {
    Path mine = Files.writeString(directory.resolve("mine.txt"), "mine");
    try (TandemProcess demo = start("--directory", directory.toString())) {
      assertThat(demo.exitCode()).isEqualTo(ExitCode.USAGE);
      assertThat(demo.said()).contains("is not empty; give an empty or a new directory");
    }
    assertThat(mine).hasContent("mine");
  }

  private TandemProcess start(String... options) throws IOException {
    Stream<String> all = Stream.concat(Stream.of("demo", "--side", "64"), Stream.of(options));
    return TandemProcess.start(streams, all.toArray(String[]::new));
  }

  /** What that process keeps in shared memory. */
  private static List<Path> mediaDrivers(long pid) throws IOException {
    Path memory = Path.of("/dev/shm");
    Path parent = Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    try (Stream<Path> all = Files.list(parent)) {
      return all.filter(path -> path.getFileName().toString().matches("tandem-\\w+-" + pid + "-.*"))
          .toList();
    }
  }
}
