package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark with its processes. */
class BenchCollectivesIT {
  @TempDir Path directory;

  @Test
  void shouldMeasureEveryCollectiveOverEveryTransport() throws Exception {
    try (TandemProcess bench =
        TandemProcess.start(
            directory,
            "bench",
            "collectives",
            "--bytes",
            "4096,300000",
            "--settle-seconds",
            "2",
            "--json")) {
      assertThat(bench.exitCode()).as(bench.said()).isZero();
      JsonNode results = new ObjectMapper().readTree(bench.out()).path("results");
      Set<String> measured = new TreeSet<>();
      for (JsonNode result : results) {
        assertThat(result.path("ranks").asInt()).isEqualTo(2);
        assertThat(result.path("medianMicros").asDouble()).isPositive();
        double factor = result.path("collective").asText().matches("all-re.*|halo") ? 1 : 0.5;
        double seconds = result.path("medianMicros").asDouble() / 1e6;
        assertThat(result.path("busGigabytesPerSecond").asDouble())
            .isCloseTo(factor * result.path("bytes").asInt() / seconds / 1e9, withinPercentage(1));
        measured.add(
            result.path("collective").asText()
                + " "
                + result.path("transport").asText()
                + " "
                + result.path("bytes").asInt());
      }
      assertThat(measured).hasSize(4 * 3 * 2).contains("halo udp 300000", "all-reduce ipc 4096");
      assertThat(leftIn(Path.of("/dev/shm"), bench.pid())).isEmpty();
    }
  }

  @Test
  void shouldLeaveNoProcessAndNoDirectoryWhenItIsKilled() throws Exception {
    try (TandemProcess bench =
        TandemProcess.start(
            directory,
            "bench",
            "collectives",
            "--transports",
            "ipc",
            "--bytes",
            "67108864",
            "--settle-seconds",
            "0")) {
      Awaitility.await("a media driver and a second rank")
          .atMost(Duration.ofSeconds(60))
          .until(() -> ProcessHandle.of(bench.pid()).orElseThrow().children().count() == 2);
      bench.await("all-reduce +ipc");
      List<ProcessHandle> children =
          ProcessHandle.of(bench.pid()).orElseThrow().children().toList();
      assertThat(directories(children)).isNotEmpty();
      bench.kill();
      Awaitility.await("the end of its processes")
          .atMost(Duration.ofSeconds(20))
          .until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
      assertThat(directories(children)).isEmpty();
    }
  }

  private static List<String> directories(List<ProcessHandle> processes) throws Exception {
    Set<String> names = new TreeSet<>();
    for (ProcessHandle process : processes) {
      names.addAll(leftIn(Path.of("/dev/shm"), process.pid()));
    }
    return List.copyOf(names);
  }

  private static List<String> leftIn(Path parent, long pid) throws Exception {
    try (Stream<Path> all = Files.list(parent)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.contains("-" + pid + "-"))
          .toList();
    }
  }
}
