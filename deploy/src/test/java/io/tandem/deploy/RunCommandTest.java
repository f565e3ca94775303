package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.AttemptStarted;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptPlan;
import io.tandem.worker.train.AttemptRun;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code tandem run} with attempts that have nothing to do. */
class RunCommandTest {
  private static final String JOB =
      """
      name: small
      data: {format: idx, path: /data, imageHeight: 28, imageWidth: 28, channels: 1, classes: 10}
      model: {family: mlp}
      algorithm: {name: supervised}
      training: {steps: 10, labeledBatch: 8}
      """;

  @TempDir Path directory;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run() throws Exception {
    return run(JOB);
  }

  private int run(String job) throws Exception {
    Path file = Files.writeString(directory.resolve("job.yaml"), job);
    CommandLine line = Main.commandLine(RunCommandTest::begin);
    return line.setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute("run", file.toString(), "--directory", directory.toString());
  }

  @Test
  void shouldRunAJobThatNamesAPool() throws Exception {
    assertThat(run(JOB + "pool: gpu\n")).as(err.toString()).isZero();
  }

  private static AttemptRun begin(AttemptPlan plan, AttemptListener listener) {
    listener.started(AttemptStarted.getDefaultInstance());
    listener.ended(
        AttemptEnded.newBuilder().setOutcome(Outcome.COMPLETED).setModelPath("/model").build());
    return new AttemptRun() {
      @Override
      public void stop(StopMode mode) {
        throw new AssertionError("nothing is left to be stopped");
      }

      @Override
      public long step() {
        return 10;
      }
    };
  }

  private CoordinatorServer coordinator() {
    return CoordinatorServer.start(CoordinatorSettings.embedded(directory.resolve("store")));
  }

  private static TandemClient client(CoordinatorServer server) {
    return new TandemClient(URI.create("http://127.0.0.1:" + server.restPort()), "");
  }

  @Test
  void shouldNotTakeUpWhatAKilledRunHasLeft() throws Exception {
    String left;
    try (CoordinatorServer server = coordinator()) {
      byte[] job = JOB.getBytes(StandardCharsets.UTF_8);
      left = client(server).submit(job, null).path("id").asText();
    }
    assertThat(run()).as(err.toString()).isZero();
    assertThat(err.toString()).contains("job " + left + ", left unfinished by an earlier run here");
    assertThat(out.toString()).contains("model /model").contains("SUCCEEDED");
    try (CoordinatorServer server = coordinator()) {
      assertThat(client(server).job(left).path("state").asText()).isEqualTo("CANCELLED");
    }
  }

  @Test
  void shouldSayThatAnotherRunUsesTheDirectory() throws Exception {
    try (CoordinatorServer server = coordinator()) {
      assertThat(server.restPort()).isPositive();
      assertThat(run()).isEqualTo(ExitCode.FAILED);
    }
    assertThat(err.toString())
        .contains("tandem: the cluster in this process cannot start")
        .contains("belongs to a coordinator that is running")
        .doesNotContain("unexpected");
  }
}
