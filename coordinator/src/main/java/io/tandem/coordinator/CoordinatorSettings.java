package io.tandem.coordinator;

import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.rest.RestSecurity;
import io.tandem.coordinator.store.Database;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a coordinator is started.
 *
 * @param store directory of the store, created when missing; unused with a database
 * @param database shared with other coordinators, or empty
 * @param patience how long the database may be away at the start
 * @param keep how long after its end a job is kept; zero for ever
 * @param formation how the other coordinators are found; without a database there are none
 * @param restHost address that REST listens on; without a token only a loopback address
 * @param restPort 0 takes any that is free
 * @param controlHost address that workers and coordinators reach, and that is listened on
 * @param controlPort 0 takes any that is free
 * @param security who may call REST, and its TLS
 * @param protection of what passes between processes
 */
public record CoordinatorSettings(
    Path store,
    Optional<Database> database,
    Duration patience,
    Duration keep,
    Formation formation,
    String restHost,
    int restPort,
    String controlHost,
    int controlPort,
    RestSecurity security,
    Protection protection) {
  /** REST's port by default. */
  public static final int REST_PORT = 8080;

  /** The workers' port by default. */
  public static final int CONTROL_PORT = 25520;

  /**
   * @throws IllegalArgumentException when there would be others, and no database to share with them
   */
  public CoordinatorSettings {
    if (database.isEmpty() && !(formation instanceof Formation.Alone)) {
      throw new IllegalArgumentException(
          "several coordinators need a database that they share: give --database, or neither"
              + " --peers nor --bootstrap");
    }
  }

  /** Alone, with a store in a directory. */
  public CoordinatorSettings(
      Path store,
      String restHost,
      int restPort,
      String controlHost,
      int controlPort,
      String token) {
    this(
        store,
        Optional.empty(),
        Duration.ZERO,
        Duration.ZERO,
        new Formation.Alone(),
        restHost,
        restPort,
        controlHost,
        controlPort,
        RestSecurity.of(token),
        Protection.NONE);
  }

  /** For one process: loopback, any free ports, no token. */
  public static CoordinatorSettings embedded(Path store) {
    return new CoordinatorSettings(store, "127.0.0.1", 0, "127.0.0.1", 0, "");
  }

  /** The same on a database, with other coordinators. */
  public CoordinatorSettings sharing(Database shared, Duration wait, Formation with) {
    return new CoordinatorSettings(
        store,
        Optional.of(shared),
        wait,
        keep,
        with,
        restHost,
        restPort,
        controlHost,
        controlPort,
        security,
        protection);
  }

  /** The same where jobs are deleted so long after their end; zero for never. */
  public CoordinatorSettings keeping(Duration time) {
    return new CoordinatorSettings(
        store,
        database,
        patience,
        time,
        formation,
        restHost,
        restPort,
        controlHost,
        controlPort,
        security,
        protection);
  }

  /** The same with REST guarded, and what passes between processes. */
  public CoordinatorSettings with(RestSecurity access, Protection guarded) {
    return new CoordinatorSettings(
        store,
        database,
        patience,
        keep,
        formation,
        restHost,
        restPort,
        controlHost,
        controlPort,
        access,
        guarded);
  }
}
