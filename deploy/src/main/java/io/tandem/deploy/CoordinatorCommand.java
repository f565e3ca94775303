package io.tandem.deploy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.coordinator.jobs.JobTiming;
import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.rest.RestSecurity;
import java.nio.file.Path;
import java.time.Duration;
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
  @Mixin ParentProcess parent;

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
      names = "--keep-jobs",
      paramLabel = "DAYS",
      defaultValue = "${env:TANDEM_KEEP_JOBS:-0}",
      description = {
        "Days after its end that a job is deleted; 0: never (TANDEM_KEEP_JOBS; ${DEFAULT-VALUE}).",
        "Its files on the workers stay."
      })
  int keepJobs;

  @Option(
      names = "--stop-seconds",
      paramLabel = "SECONDS",
      defaultValue = "${env:TANDEM_STOP_SECONDS:-60}",
      description = {
        "How long an attempt that was told to end may take to save before the job goes on without it",
        "(TANDEM_STOP_SECONDS; ${DEFAULT-VALUE}). Give 15 more than any worker's --drain-seconds."
      })
  int stopSeconds;

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
      description = "An administrator's bearer token (TANDEM_TOKEN).")
  String token;

  @Option(
      names = "--tokens",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_TOKENS:-}",
      description =
          "More tokens, with roles, by their hashes; `tandem token` makes its lines; read again"
              + " when it changes (TANDEM_TOKENS).")
  String tokens;

  @Option(
      names = "--rest-certificate",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_REST_CERTIFICATE:-}",
      description =
          "PEM certificate chain: REST over TLS; read again when it changes"
              + " (TANDEM_REST_CERTIFICATE).")
  String restCertificate;

  @Option(
      names = "--rest-key",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_REST_KEY:-}",
      description = "Its private key, in PEM (TANDEM_REST_KEY).")
  String restKey;

  @Override
  public Integer call() {
    WorkerCommand.require("--rest-port", restPort, 0, 65535);
    WorkerCommand.require("--control-port", controlPort, 0, 65535);
    WorkerCommand.require("--keep-jobs", keepJobs, 0, 36_500);
    WorkerCommand.require("--stop-seconds", stopSeconds, 1, 86_400);
    CoordinatorSettings settings;
    CoordinatorServer server;
    try {
      settings = settings();
      server = CoordinatorServer.start(settings, timing());
    } catch (CommandException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    } catch (RuntimeException e) {
      throw new CommandException(ExitCode.FAILED, "the coordinator cannot start: " + reason(e));
    }
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close"));
    String rest = "%s://%s:%d".formatted(settings.security().scheme(), restHost, server.restPort());
    String control = host + ":" + server.controlPort();
    output.object(JsonNodeFactory.instance.objectNode().put("rest", rest).put("control", control));
    output.say("coordinator at " + rest + ", workers at " + control);
    parent.exitWithIt();
    try {
      server.failed().toCompletableFuture().join(); // or a signal ends the process
    } catch (CompletionException e) {
      throw new CommandException(
          ExitCode.FAILED, "the coordinator cannot go on: " + reason(e.getCause()));
    }
    return ExitCode.FAILED;
  }

  JobTiming timing() {
    return JobTiming.standard().stoppingWithin(Duration.ofSeconds(stopSeconds));
  }

  private CoordinatorSettings settings() {
    CoordinatorSettings alone =
        new CoordinatorSettings(store, restHost, restPort, host, controlPort, token)
            .keeping(Duration.ofDays(keepJobs))
            .with(
                new RestSecurity(token, path(tokens), path(restCertificate), path(restKey)),
                new Protection(peerTls.certificates(), encryptFrames));
    if (database.isGiven() && spec.commandLine().getParseResult().hasMatchedOption("--store")) {
      throw new CommandException(
          ExitCode.USAGE, "--store and --database (or TANDEM_DATABASE): give one of them");
    }
    return formation.complete(alone, database);
  }

  private static Path path(String option) {
    return option.isBlank() ? null : Path.of(option);
  }

  private static String reason(Throwable e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
