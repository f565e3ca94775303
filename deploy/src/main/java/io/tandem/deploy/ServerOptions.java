package io.tandem.deploy;

import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import java.nio.file.Path;
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

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_CA:-}",
      description =
          "PEM certificates to trust for an https server, in place of Java's own (TANDEM_CA).")
  String authority;

  TandemClient client() {
    boolean http = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
    if (!http || server.getHost() == null) {
      throw new CommandException(
          ExitCode.USAGE,
          "--server %s: give a whole address such as http://127.0.0.1:8080".formatted(server));
    }
    try {
      return authority.isBlank()
          ? new TandemClient(server, token)
          : new TandemClient(server, token, Path.of(authority));
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, "--ca " + authority + ": " + e.getMessage());
    }
  }
}
