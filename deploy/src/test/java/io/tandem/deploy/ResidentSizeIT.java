package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** What a process that trains holds of the machine's memory, native memory too. */
class ResidentSizeIT {
  private static final int SETTLED = 500;
  private static final int LATE = 2000;
  private static final Percentage ALLOWED = Percentage.withPercentage(10);

  @TempDir Path directory;

  /** With the profile {@code long}. */
  @Test
  @EnabledIfSystemProperty(
      named = "tandem.long",
      matches = "true",
      disabledReason = "minutes; the profile long has it")
  void shouldHoldAFlatResidentSizeOverTwoThousandSteps() throws Exception {
    assumeThat(Path.of("/proc/self/status")).exists();
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    String job = TestCluster.job(pictures, 1, 2, LATE + 200).replace("{every: 5}", "{every: 100}");
    Path file = Files.writeString(directory.resolve("job.yaml"), job);
    try (TandemProcess run =
        TandemProcess.start(
            directory,
            "run",
            file.toString(),
            "--directory",
            directory.resolve("run").toString())) {
      Matcher told = run.await("job (\\S+) at (http://[^/]+)/");
      TandemClient client = new TandemClient(URI.create(told.group(2)), "");
      long settled = residentKib(run, client, told.group(1), SETTLED);
      long late = residentKib(run, client, told.group(1), LATE);
      System.out.printf(
          "resident: %d MiB at step %d, %d MiB at step %d%n",
          settled / 1024, SETTLED, late / 1024, LATE);
      assertThat(run.exitCode()).as(run.said()).isZero();
      assertThat(late).isCloseTo(settled, ALLOWED);
    }
  }

  /** As soon as that step is told. */
  private static long residentKib(TandemProcess run, TandemClient client, String id, int step)
      throws Exception {
    await("step " + step)
        .atMost(Duration.ofMinutes(15))
        .pollInterval(Duration.ofMillis(100))
        .until(() -> client.job(id).path("step").asInt() >= step);
    return Files.readAllLines(Path.of("/proc", String.valueOf(run.pid()), "status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }
}
