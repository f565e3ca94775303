package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.mesh.Mesh;
import io.tandem.worker.train.AttemptRun;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem run}: one job on a cluster of its own. */
@Command(
    name = "run",
    description =
        "Runs a job on a cluster in this process, without any set-up; the exit code is its"
            + " outcome.")
final class RunCommand implements Callable<Integer> {
  @Mixin Output output;
  @Mixin JobFile file;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_DIRECTORY:-tandem-run}",
      description = "Store, checkpoints and models (TANDEM_DIRECTORY; ${DEFAULT-VALUE}).")
  Path directory;

  private static final int MOST_LEFTOVERS = 1000;

  private final AttemptRun.Starter starter;

  RunCommand(AttemptRun.Starter starter) {
    this.starter = starter;
  }

  @Override
  public Integer call() {
    JobSpec job = file.read();
    Mesh mesh = new Mesh(job.mesh().replicas(), job.mesh().shards());
    try (Interruption interruption = Interruption.watch();
        EmbeddedCluster cluster = EmbeddedCluster.start(directory, mesh, job.pool(), starter)) {
      TandemClient client = cluster.client();
      cancelLeftovers(client);
      String id = client.submit(JobFiles.toJson(job), null).path("id").asText();
      output.err().println("job " + id + " at " + cluster.address() + "/v1/jobs/" + id);
      output.err().println("worker metrics " + cluster.workerMetricsAddress());
      JsonNode ended = follow(client, id, interruption);
      String model = ended.path("modelPath").asText("");
      if (!model.isEmpty()) {
        output.say("model " + model);
      }
      return Reports.outcome(ended, output);
    }
  }

  /** What a run that was killed has left unfinished would take the slots of this one. */
  private void cancelLeftovers(TandemClient client) {
    for (JsonNode job : client.jobs(null, MOST_LEFTOVERS, null).path("jobs")) {
      if (!JobFollower.ended(job.path("state").asText())) {
        String id = job.path("id").asText();
        client.act(id, "cancel");
        output
            .err()
            .println("job " + id + ", left unfinished by an earlier run here, is cancelled");
      }
    }
  }

  /** A job whose command is told to end is cancelled: the next run must not take it up. */
  private JsonNode follow(TandemClient client, String id, Interruption interruption) {
    try {
      return new JobFollower(client, output.err()).follow(id);
    } catch (CommandException | ClientException e) {
      if (!interruption.happened()) {
        throw e;
      }
      Thread.interrupted();
      client.act(id, "cancel");
      throw new CommandException(
          ExitCode.CANCELLED, "interrupted; the job is cancelled, its checkpoints stay");
    }
  }
}
