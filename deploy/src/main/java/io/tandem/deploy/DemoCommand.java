package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.train.AttemptRun;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code tandem demo}: the supervised baseline, then Meta Pseudo Labels with the same few labels,
 * on generated pictures and a mesh of 2 replicas x 4 shards in this JVM.
 */
@Command(
    name = "demo",
    description =
        "Trains on generated 512x512 pictures with and without unlabelled ones, in one process.")
final class DemoCommand implements Callable<Integer> {
  private static final int CLASSES = 4;
  private static final int LABELED_PER_CLASS = 16;
  private static final int UNLABELED = 400;
  private static final int TEST_PER_CLASS = 40;

  @Mixin Output output;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_DIRECTORY:-}",
      description = "An empty or new directory; a temporary one by default (TANDEM_DIRECTORY).")
  String directory;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_SEED:-1}",
      description = "Of the pictures and of both trainings (TANDEM_SEED; ${DEFAULT-VALUE}).")
  long seed;

  @Option(
      names = "--side",
      paramLabel = "PIXELS",
      defaultValue = "${env:TANDEM_SIDE:-512}",
      description = "Rows and columns of the pictures (TANDEM_SIDE; ${DEFAULT-VALUE}).")
  int side;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_STEPS:-120}",
      description =
          "Steps of Meta Pseudo Labels; the baseline takes as many (TANDEM_STEPS; ${DEFAULT-VALUE}).")
  int steps;

  private final AttemptRun.Starter starter;

  DemoCommand(AttemptRun.Starter starter) {
    this.starter = starter;
  }

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    WorkerCommand.require("--side", side, 64, 4096);
    WorkerCommand.require("--steps", steps, 2, 1_000_000);
    Path home =
        directory.isEmpty() ? Files.createTempDirectory("tandem-demo-") : Path.of(directory);
    home = Files.createDirectories(home).toAbsolutePath();
    Path pictures = home.resolve("pictures");
    output.say(
        "%d classes, %d labelled pictures each, %d unlabelled, %d test pictures, %dx%d"
            .formatted(
                CLASSES, LABELED_PER_CLASS, UNLABELED, CLASSES * TEST_PER_CLASS, side, side));
    new PictureGenerator(seed, CLASSES, LABELED_PER_CLASS, UNLABELED, TEST_PER_CLASS, side)
        .write(pictures, DataSpec.Format.FOLDER, Runtime.getRuntime().availableProcessors());
    output.say("pictures " + pictures);
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    try (EmbeddedCluster cluster =
        EmbeddedCluster.start(home, new Mesh(2, 4), starter).closedOnExit()) {
      output.say("coordinator " + cluster.address() + ", 2 workers with 4 slots each");
      Path metrics = home.resolve("metrics.prom");
      TandemClient client = cluster.client();
      for (String algorithm : new String[] {"supervised", "meta-pseudo-labels"}) {
        JsonNode job = train(client, algorithm, pictures);
        if (!job.path("state").asText().equals("SUCCEEDED")) {
          throw new CommandException(
              ExitCode.FAILED,
              "the training by %s ended %s (%s): %s"
                  .formatted(
                      algorithm,
                      job.path("state").asText(),
                      job.path("reason").asText(),
                      job.path("reasonText").asText()));
        }
        report.set(
            algorithm.equals("supervised") ? "supervised" : "metaPseudoLabels",
            result(client, job, home.resolve(algorithm + ".safetensors")));
      }
      Files.writeString(metrics, client.metrics());
      report.put("metrics", metrics.toString());
      Path workerMetrics = home.resolve("worker-metrics.prom");
      Files.writeString(workerMetrics, cluster.workerMetrics());
      report.put("workerMetrics", workerMetrics.toString());
      output.say(
          "worker metrics %s until now, kept in %s"
              .formatted(cluster.workerMetricsAddress(), workerMetrics));
      output.say("metrics " + cluster.address() + "/metrics until now, kept in " + metrics);
    }
    report.put("seconds", Math.round((System.nanoTime() - start) / 1e8) / 10.0);
    output.say(
        String.format(
            Locale.ROOT,
            "test accuracy: supervised %.3f, Meta Pseudo Labels %.3f; %.0f seconds",
            report.path("supervised").path("testAccuracy").asDouble(),
            report.path("metaPseudoLabels").path("testAccuracy").asDouble(),
            report.path("seconds").asDouble()));
    output.object(report);
    return ExitCode.SUCCEEDED;
  }

  private JsonNode train(TandemClient client, String algorithm, Path pictures) {
    output.say("training: " + algorithm);
    boolean both = algorithm.equals("meta-pseudo-labels");
    JobSpec job =
        JobFiles.parse(
            template(),
            Map.of(
                "ALGORITHM", algorithm,
                "DATA", pictures.toString(),
                "SIDE", String.valueOf(side),
                "SEED", String.valueOf(seed),
                "CLASSES", String.valueOf(CLASSES),
                "STEPS", String.valueOf(steps),
                "WARMUP", String.valueOf(Math.max(1, steps / 10)),
                "UNLABELED_BATCH", both ? "16" : "0",
                "FINE_TUNE", both ? String.valueOf(steps / 4) : "0"));
    String id = client.submit(JobFiles.toJson(job), null).path("id").asText();
    return new JobFollower(client, output.err()).follow(id);
  }

  private ObjectNode result(TandemClient client, JsonNode job, Path model) {
    String id = job.path("id").asText();
    client.model(id, model);
    ObjectNode result = JsonNodeFactory.instance.objectNode();
    JsonNode accuracy = job.path("values").path("accuracy.test");
    if (!accuracy.isNumber()) {
      throw new CommandException(ExitCode.FAILED, "job " + id + " reported no test accuracy");
    }
    result.put("testAccuracy", accuracy.asDouble());
    result.put("jobId", id);
    JsonNode newest = Reports.list(client.checkpoints(id), "checkpoints").path(0);
    result.put("checkpoint", newest.path("path").asText());
    result.put("model", model.toString());
    output.say("checkpoint " + newest.path("path").asText());
    output.say("model " + model);
    return result;
  }

  private static byte[] template() {
    try (InputStream job = DemoCommand.class.getResourceAsStream("demo.yaml")) {
      return job.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
