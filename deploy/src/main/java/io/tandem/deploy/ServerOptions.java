package io.tandem.deploy;

import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import picocli.CommandLine.Option;

/** Where the coordinator is. */
final class ServerOptions {
  @Option(
      names = "--server",
      paramLabel = "URL",
      defaultValue = "${env:TANDEM_SERVER:-http://127.0.0.1:8080}",
      description = "The coordinator's REST address (TANDEM_SERVER; ${DEFAULT-VALUE}).")
  URI server;

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      defaultValue = "${env:TANDEM_TOKEN:-}",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER,
      description = "Bearer token (TANDEM_TOKEN).")
  String token;

  TandemClient client() {
    boolean http = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
    if (!http || server.getHost() == null) {
      throw new CommandException(
          ExitCode.USAGE,
          "--server %s: give a whole address such as http://127.0.0.1:8080".formatted(server));
    }
    return new TandemClient(server, token);
  }
}
