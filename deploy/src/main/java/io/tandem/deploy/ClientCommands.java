package io.tandem.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.deploy.client.TandemClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The short commands that ask a running coordinator; one method a command. Picocli calls them on
 * the command above them, which therefore extends this class.
 */
class ClientCommands {
  @Command(name = "jobs", description = "Lists jobs, the newest first.")
  int jobs(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Option(
              names = "--state",
              paramLabel = "STATE",
              defaultValue = "${env:TANDEM_STATE:-}",
              description = "Only jobs in this state (TANDEM_STATE).")
          String state,
      @Option(
              names = "--limit",
              paramLabel = "N",
              defaultValue = "${env:TANDEM_LIMIT:-50}",
              description = "At most so many (TANDEM_LIMIT; ${DEFAULT-VALUE}).")
          int limit,
      @Option(
              names = "--cursor",
              paramLabel = "CURSOR",
              defaultValue = "${env:TANDEM_CURSOR:-}",
              description = "Where the page before this one ended (TANDEM_CURSOR).")
          String cursor) {
    JsonNode answer =
        server
            .client()
            .jobs(state.isEmpty() ? null : state, limit, cursor.isEmpty() ? null : cursor);
    output.object(answer);
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "NAME", "STATE", "MESH", "STEP", "ATTEMPT", "GOODPUT"));
    for (JsonNode job : Reports.list(answer, "jobs")) {
      JsonNode mesh = job.path("mesh");
      rows.add(
          List.of(
              job.path("id").asText(),
              job.path("name").asText(),
              job.path("state").asText(),
              mesh.path("replicas").asInt() + "x" + mesh.path("shards").asInt(),
              job.path("step").asLong() + "/" + job.path("totalSteps").asLong(),
              job.path("attempt").asText(),
              job.path("goodput").isNumber()
                  ? "%.3f".formatted(job.path("goodput").asDouble())
                  : "-"));
    }
    Reports.table(rows).forEach(output::say);
    return ExitCode.SUCCEEDED;
  }

  @Command(name = "workers", description = "Lists the registered workers.")
  int workers(@Mixin ServerOptions server, @Mixin Output output) {
    JsonNode answer = server.client().workers();
    output.object(answer);
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("ID", "HOST", "POOL", "DEVICE", "SLOTS", "USED"));
    for (JsonNode worker : Reports.list(answer, "workers")) {
      rows.add(
          List.of(
              worker.path("id").asText(),
              worker.path("host").asText(),
              worker.path("pool").asText(),
              worker.path("device").asText(),
              worker.path("slots").asText(),
              worker.path("usedSlots").asText()));
    }
    Reports.table(rows).forEach(output::say);
    return ExitCode.SUCCEEDED;
  }

  @Command(name = "watch", description = "Shows a job's progress; the exit code is its outcome.")
  int watch(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    JsonNode job = new JobFollower(server.client(), output.err()).follow(id);
    return Reports.outcome(job, output);
  }

  @Command(name = "events", description = "What happened to a job.")
  int events(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Option(
              names = "--follow",
              defaultValue = "${env:TANDEM_FOLLOW:-false}",
              fallbackValue = "true",
              description = "Go on as events happen; not with --json (TANDEM_FOLLOW).")
          boolean follow,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    TandemClient client = server.client();
    if (follow && !output.json) {
      new JobFollower(client, output.err()).events(id, event -> output.say(event(event)));
      return ExitCode.SUCCEEDED;
    }
    JsonNode answer = client.events(id);
    output.object(answer);
    Reports.list(answer, "events").forEach(event -> output.say(event(event)));
    return ExitCode.SUCCEEDED;
  }

  @Command(name = "logs", description = "What a job's workers logged.")
  int logs(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    JsonNode answer = server.client().logs(id);
    output.object(answer);
    Reports.list(answer, "logs").forEach(line -> output.say(log(line)));
    return ExitCode.SUCCEEDED;
  }

  @Command(name = "cancel", description = "Ends a job after its current step.")
  int cancel(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    return act(server, output, id, "cancel");
  }

  @Command(name = "pause", description = "Saves a job and frees its slots until it is resumed.")
  int pause(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    return act(server, output, id, "pause");
  }

  @Command(name = "resume", description = "Queues a paused job again, also on another mesh.")
  int resume(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Option(
              names = "--mesh",
              paramLabel = "RxS",
              defaultValue = "${env:TANDEM_MESH:-}",
              description =
                  "Replicas x shards to go on with; the job's own if left out (TANDEM_MESH).")
          String mesh,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id) {
    if (mesh.isEmpty()) {
      return act(server, output, id, "resume");
    }
    if (!mesh.matches("[0-9]{1,4}x[0-9]{1,4}")) {
      throw new CommandException(
          ExitCode.USAGE, "--mesh %s: give replicas x shards, such as 2x4".formatted(mesh));
    }
    String[] axes = mesh.split("x");
    return show(
        server.client().resume(id, Integer.parseInt(axes[0]), Integer.parseInt(axes[1])),
        output,
        id);
  }

  @Command(name = "export", description = "Writes the trained student.")
  int export(
      @Mixin ServerOptions server,
      @Mixin Output output,
      @Parameters(paramLabel = "ID", description = "The job's id.") String id,
      @Option(
              names = "--out",
              paramLabel = "FILE",
              defaultValue = "${env:TANDEM_OUT:-student.safetensors}",
              description = "Where to (TANDEM_OUT; ${DEFAULT-VALUE}).")
          Path out) {
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(out)) {
      throw new CommandException(
          ExitCode.USAGE, "--out %s: give a file in a directory that exists".formatted(out));
    }
    server.client().model(id, out);
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("path", out.toAbsolutePath().toString());
    object.put("bytes", out.toFile().length());
    output.object(object);
    output.say(out.toAbsolutePath().toString());
    return ExitCode.SUCCEEDED;
  }

  private static int act(ServerOptions server, Output output, String id, String verb) {
    return show(server.client().act(id, verb), output, id);
  }

  private static int show(JsonNode job, Output output, String id) {
    output.object(job);
    output.say(id + " " + job.path("state").asText());
    return ExitCode.SUCCEEDED;
  }

  /** Time, type, then whatever the event says, on one line. */
  private static String event(JsonNode event) {
    StringBuilder line = new StringBuilder(event.path("time").asText());
    line.append("  ").append(event.path("type").asText());
    event
        .path("data")
        .properties()
        .forEach(
            entry -> {
              JsonNode value = entry.getValue();
              String text = value.isValueNode() ? value.asText() : value.toString();
              if (!text.isEmpty()) {
                line.append("  ").append(entry.getKey()).append('=').append(text);
              }
            });
    return line.toString();
  }

  private static String log(JsonNode line) {
    return "%s  %s  %s"
        .formatted(
            line.path("time").asText(), line.path("worker").asText(), line.path("line").asText());
  }
}
