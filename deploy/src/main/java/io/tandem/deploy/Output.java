package io.tandem.deploy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How a command reports: for people, or one JSON object and nothing else on standard output. */
final class Output {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--json",
      defaultValue = "${env:TANDEM_JSON:-false}",
      fallbackValue = "true",
      description = "Print one JSON object and nothing else (TANDEM_JSON).")
  boolean json;

  /** Standard output. */
  PrintWriter out() {
    return command.commandLine().getOut();
  }

  /** Standard error: progress, hints and mistakes. */
  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** A line for people; silent with {@code --json}. */
  void say(String line) {
    if (!json) {
      out().println(line);
      out().flush();
    }
  }

  /** A line for people that says how it goes: beside the object, so on standard error then. */
  void tell(String line) {
    PrintWriter writer = json ? err() : out();
    writer.println(line);
    writer.flush();
  }

  /** The command's one object; silent without {@code --json}. */
  void object(JsonNode object) {
    if (json) {
      try {
        out().println(MAPPER.writeValueAsString(object));
        out().flush();
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
