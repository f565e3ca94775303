package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.train.AttemptRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code tandem demo}: the supervised baseline, then UDA with Meta Pseudo Labels and the same few
 * labels, on generated pictures and a mesh of 2 replicas x 4 shards in this JVM.
 */
@Command(
    name = "demo",
    description = {
      "Trains on generated 512x512 pictures with and without unlabelled ones, in one process.",
      "Ctrl-C stops it and removes what it wrote."
    })
final class DemoCommand implements Callable<Integer> {
  private static final Mesh MESH = new Mesh(2, 4);

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
      defaultValue = "${env:TANDEM_STEPS:-" + DemoJob.STEPS + "}",
      description = "Steps of each training (TANDEM_STEPS; ${DEFAULT-VALUE}).")
  int steps;

  private final AttemptRun.Starter starter;

  DemoCommand(AttemptRun.Starter starter) {
    this.starter = starter;
  }

  @Override
  public Integer call() throws IOException {
    WorkerCommand.require("--side", side, 64, 4096);
    WorkerCommand.require("--steps", steps, 10, 1_000_000);
    try (Interruption interruption = Interruption.watch();
        WorkDirectory home = WorkDirectory.open("--directory", directory, "tandem-demo-")) {
      try {
        run(home.path());
        home.keep();
        return ExitCode.SUCCEEDED;
      } catch (RuntimeException e) {
        if (interruption.happened()) {
          throw new CommandException(
              ExitCode.CANCELLED, "interrupted; what it wrote to " + home.path() + " is removed");
        }
        home.keep();
        output.err().println("what the demo wrote is in " + home.path());
        throw e;
      }
    }
  }

  private void run(Path home) throws IOException {
    long start = System.nanoTime();
    Path pictures = home.resolve("pictures");
    output.tell(DemoJob.pictures(side) + " in " + pictures);
    DemoJob.generator(seed, side)
        .write(pictures, DataSpec.Format.FOLDER, Runtime.getRuntime().availableProcessors());
    List<Trained> trained = new ArrayList<>();
    try (EmbeddedCluster cluster = EmbeddedCluster.start(home, MESH, "", starter)) {
      output.tell(
          "coordinator %s with %d workers of %d slots each, mesh %dx%d"
              .formatted(
                  cluster.address(),
                  MESH.replicas(),
                  MESH.shards(),
                  MESH.replicas(),
                  MESH.shards()));
      for (DemoJob.Method method : DemoJob.Method.values()) {
        output.tell(method.title());
        trained.add(train(cluster.client(), method, home));
      }
      Path metrics = Files.createDirectories(home.resolve("metrics"));
      Files.writeString(metrics.resolve("coordinator.prom"), cluster.client().metrics());
      Files.writeString(metrics.resolve("workers.prom"), cluster.workerMetrics());
    }
    report(trained, home, (System.nanoTime() - start) / 1e9);
  }

  /** What a training left behind. */
  private record Trained(
      DemoJob.Method method, double testAccuracy, String checkpoint, Path model) {}

  private Trained train(TandemClient client, DemoJob.Method method, Path home) throws IOException {
    byte[] body = DemoJob.json(method, home.resolve("pictures"), seed, side, steps);
    String id = client.submit(body, null).path("id").asText();
    JsonNode job = new JobFollower(client, output.err()).follow(id);
    if (!job.path("state").asText().equals("SUCCEEDED")) {
      throw new CommandException(
          ExitCode.FAILED, "the training by " + method.label() + " ended: " + Reports.ending(job));
    }
    JsonNode accuracy = job.path("values").path("accuracy.test");
    if (!accuracy.isNumber()) {
      throw new CommandException(ExitCode.FAILED, "job " + id + " reported no test accuracy");
    }
    Path model = home.resolve(method.label() + ".safetensors");
    client.model(id, model);
    Path metrics = Files.createDirectories(home.resolve("metrics"));
    Files.writeString(metrics.resolve(method.label() + ".json"), client.series(id).toString());
    JsonNode newest = Reports.list(client.checkpoints(id), "checkpoints").path(0);
    return new Trained(method, accuracy.asDouble(), newest.path("path").asText(), model);
  }

  private void report(List<Trained> trained, Path home, double seconds) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("", "test accuracy", "model", "checkpoint"));
    for (Trained one : trained) {
      object.putObject(one.method().key()).put("testAccuracy", one.testAccuracy());
      rows.add(
          List.of(
              one.method().title(),
              String.format(Locale.ROOT, "%.3f", one.testAccuracy()),
              home.relativize(one.model()).toString(),
              home.relativize(Path.of(one.checkpoint())).toString()));
    }
    object.put("seconds", Math.round(seconds * 10) / 10.0);
    Reports.table(rows).forEach(output::tell);
    output.tell("these and the metrics (metrics/) are in " + home);
    output.tell(String.format(Locale.ROOT, "%.0f seconds", seconds));
    output.object(object);
  }
}
