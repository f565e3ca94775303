package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.coordinator.jobs.Protection;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tandem coordinator}: serves until it is told to end. */
@Command(
    name = "coordinator",
    description = "Serves REST and places jobs on workers; ends when told to (SIGTERM, Ctrl-C).")
final class CoordinatorCommand implements Callable<Integer> {
  @Spec CommandSpec spec;
  @Mixin Output output;

  @Option(
      names = "--store",
      paramLabel = "DIR",
      defaultValue = "${env:TANDEM_STORE:-tandem-store}",
      description =
          "Jobs, events and checkpoints of a coordinator that is alone (TANDEM_STORE;"
              + " ${DEFAULT-VALUE}).")
  Path store;

  @Mixin DatabaseOptions database;
  @Mixin FormationOptions formation;
  @Mixin PeerTlsOptions peerTls;

  @Option(
      names = "--encrypt-frames",
      fallbackValue = "true",
      defaultValue = "${env:TANDEM_ENCRYPT_FRAMES:-false}",
      description = {
        "Encrypts what workers exchange, AES-GCM with a key an attempt (TANDEM_ENCRYPT_FRAMES).",
        "The key passes over the control plane: give that --control-certificate, too."
      })
  boolean encryptFrames;

  @Option(
      names = "--rest-host",
      paramLabel = "HOST",
      defaultValue = "${env:TANDEM_REST_HOST:-127.0.0.1}",
      description = "What REST listens on; beyond loopback needs a token (TANDEM_REST_HOST).")
  String restHost;

  @Option(
      names = "--rest-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_REST_PORT:-8080}",
      description = "REST's port, 0 for a free one (TANDEM_REST_PORT; ${DEFAULT-VALUE}).")
  int restPort;

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = "${env:TANDEM_HOST:-127.0.0.1}",
      description = "How workers and coordinators reach this one (TANDEM_HOST; ${DEFAULT-VALUE}).")
  String host;

  @Option(
      names = "--control-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_CONTROL_PORT:-25520}",
      description =
          "Port of workers and coordinators, 0 for a free one (TANDEM_CONTROL_PORT;"
              + " ${DEFAULT-VALUE}).")
  int controlPort;

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      defaultValue = "${env:TANDEM_TOKEN:-}",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER,
      description = "Bearer token that every call must carry (TANDEM_TOKEN).")
  String token;

  @Override
  public Integer call() {
    WorkerCommand.require("--rest-port", restPort, 0, 65535);
    WorkerCommand.require("--control-port", controlPort, 0, 65535);
    CoordinatorServer server;
    try {
      server = CoordinatorServer.start(settings());
    } catch (CommandException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    } catch (RuntimeException e) {
      throw new CommandException(ExitCode.FAILED, "the coordinator cannot start: " + reason(e));
    }
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close"));
    String rest = "http://%s:%d".formatted(restHost, server.restPort());
    String control = host + ":" + server.controlPort();
    output.object(JsonNodeFactory.instance.objectNode().put("rest", rest).put("control", control));
    output.say("coordinator at " + rest + ", workers at " + control);
    try {
      server.failed().toCompletableFuture().join(); // or a signal ends the process
    } catch (CompletionException e) {
      throw new CommandException(
          ExitCode.FAILED, "the coordinator cannot go on: " + reason(e.getCause()));
    }
    return ExitCode.FAILED;
  }

  private CoordinatorSettings settings() {
    CoordinatorSettings alone =
        new CoordinatorSettings(store, restHost, restPort, host, controlPort, token)
            .with(new Protection(peerTls.certificates(), encryptFrames));
    if (database.isGiven() && spec.commandLine().getParseResult().hasMatchedOption("--store")) {
      throw new CommandException(
          ExitCode.USAGE, "--store and --database (or TANDEM_DATABASE): give one of them");
    }
    return formation.complete(alone, database);
  }

  private static String reason(Throwable e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
