package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.job.JobFiles;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem submit}. */
@Command(name = "submit", description = "Submits a job; with --wait the exit code is its outcome.")
final class SubmitCommand implements Callable<Integer> {
  @Mixin ServerOptions server;
  @Mixin Output output;
  @Mixin JobFile file;

  @Option(
      names = "--wait",
      defaultValue = "${env:TANDEM_WAIT:-false}",
      fallbackValue = "true",
      description = "Show the progress until the job ends (TANDEM_WAIT).")
  boolean wait;

  @Option(
      names = "--idempotency-key",
      paramLabel = "KEY",
      defaultValue = "${env:TANDEM_IDEMPOTENCY_KEY:-}",
      description = {
        "A repeated call with this key submits nothing anew (TANDEM_IDEMPOTENCY_KEY; one is made up).",
        "An answer that is lost, or a coordinator that is not ready, is asked again for a minute."
      })
  String key;

  @Override
  public Integer call() {
    byte[] body = JobFiles.toJson(file.read());
    TandemClient client = server.client();
    JsonNode job = new Submission(client, output.err()).submit(body, key);
    String id = job.path("id").asText();
    if (!wait) {
      output.object(job);
      output.say(id);
      return ExitCode.SUCCEEDED;
    }
    output.say(id);
    return Reports.outcome(new JobFollower(client, output.err()).follow(id), output);
  }
}
