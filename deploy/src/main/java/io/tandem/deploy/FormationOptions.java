package io.tandem.deploy;

import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.store.Database;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** How coordinators find each other. */
final class FormationOptions {
  @Option(
      names = "--peers",
      paramLabel = "HOST:PORT,...",
      split = ",",
      defaultValue = "${env:TANDEM_PEERS:-}",
      description = {
        "Control addresses of all coordinators on the database (TANDEM_PEERS).",
        "This one's may be among them."
      })
  List<String> peers = new ArrayList<>();

  @Option(
      names = "--bootstrap",
      paramLabel = "kubernetes",
      defaultValue = "${env:TANDEM_BOOTSTRAP:-}",
      description = "Find them by the Kubernetes API in place of --peers (TANDEM_BOOTSTRAP).")
  String bootstrap;

  @Option(
      names = "--management-port",
      paramLabel = "PORT",
      defaultValue = "${env:TANDEM_MANAGEMENT_PORT:-8558}",
      description = "With --bootstrap: where they find this one (TANDEM_MANAGEMENT_PORT; 8558).")
  int managementPort;

  @Option(
      names = "--pod-selector",
      paramLabel = "LABELS",
      defaultValue =
          "${env:TANDEM_POD_SELECTOR:-app.kubernetes.io/name=tandem,app.kubernetes.io/component=coordinator}",
      description =
          "With --bootstrap: labels of the coordinators' pods (TANDEM_POD_SELECTOR;"
              + " ${DEFAULT-VALUE}).")
  String podSelector;

  @Option(
      names = "--namespace",
      paramLabel = "NAME",
      defaultValue = "${env:TANDEM_NAMESPACE:-}",
      description =
          "With --bootstrap: where they are; this pod's own when empty (TANDEM_NAMESPACE).")
  String namespace;

  @Option(
      names = "--contact-points",
      paramLabel = "N",
      defaultValue = "${env:TANDEM_CONTACT_POINTS:-2}",
      description =
          "With --bootstrap: pods seen before a new cluster is formed (TANDEM_CONTACT_POINTS; 2).")
  int contactPoints;

  private Formation formation() {
    List<InetSocketAddress> addresses = HostPort.unresolved("--peers", peers);
    boolean asks = !bootstrap.isBlank();
    if (asks && !addresses.isEmpty()) {
      throw new CommandException(
          ExitCode.USAGE, "--peers and --bootstrap: give one, or neither for one coordinator");
    }
    if (asks && !bootstrap.strip().equals("kubernetes")) {
      throw new CommandException(
          ExitCode.USAGE, "--bootstrap %s: allowed is kubernetes".formatted(bootstrap));
    }
    WorkerCommand.require("--management-port", managementPort, 1, 65535);
    WorkerCommand.require("--contact-points", contactPoints, 1, 100);
    if (asks) {
      return new Formation.Kubernetes(
          managementPort, podSelector.strip(), namespace.strip(), contactPoints);
    }
    return addresses.isEmpty() ? new Formation.Alone() : new Formation.Peers(addresses);
  }

  /** Adds the database and the others to what is known of this coordinator. */
  CoordinatorSettings complete(CoordinatorSettings alone, DatabaseOptions options) {
    Formation formation = formation();
    Database database = options.database().orElse(null);
    if (database != null) {
      return alone.sharing(database, DatabaseOptions.PATIENCE, formation);
    }
    if (!(formation instanceof Formation.Alone)) {
      throw new CommandException(
          ExitCode.USAGE,
          "--peers and --bootstrap need --database: coordinators share what it stores");
    }
    return alone;
  }
}
