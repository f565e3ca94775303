package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.rest.RestSecurity;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tandem token}: a new token for somebody. */
@Command(
    name = "token",
    description = {
      "Makes a token, and the line that lets it in: for the file of `tandem coordinator --tokens`.",
      "A viewer may look, a submitter submit and stop jobs, too, an admin remove them, too."
    })
final class TokenCommand implements Callable<Integer> {
  private static final int BYTES = 32;

  @Mixin Output output;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      defaultValue = "${env:TANDEM_TOKEN_NAME:-}",
      description = "Whose it is (TANDEM_TOKEN_NAME).")
  String name;

  @Option(
      names = "--role",
      paramLabel = "ROLE",
      defaultValue = "${env:TANDEM_TOKEN_ROLE:-viewer}",
      description = "viewer, submitter or admin (TANDEM_TOKEN_ROLE; ${DEFAULT-VALUE}).")
  String role;

  @Override
  public Integer call() {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    String line;
    try {
      line = RestSecurity.tokenLine(name, role, token);
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    }
    output.object(JsonNodeFactory.instance.objectNode().put("token", token).put("line", line));
    output.say("token " + token);
    output.say("line  " + line);
    return ExitCode.SUCCEEDED;
  }
}
