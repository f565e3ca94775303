package io.tandem.deploy;

import io.tandem.coordinator.store.Database;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** The database that coordinators share. Its password is no option: others could read it. */
final class DatabaseOptions {
  static final String PASSWORD = "TANDEM_DATABASE_PASSWORD";
  static final String PASSWORD_FILE = "TANDEM_DATABASE_PASSWORD_FILE";

  /** Who a coordinator is to the database, where it is not told by an option. */
  static final Set<String> CREDENTIALS = Set.of("TANDEM_DATABASE_USER", PASSWORD, PASSWORD_FILE);

  /** How long the database may be away at the start. */
  static final Duration PATIENCE = Duration.ofMinutes(5);

  @Option(
      names = "--database",
      paramLabel = "URL",
      defaultValue = "${env:TANDEM_DATABASE:-}",
      description = {
        "PostgreSQL in place of --store, such as jdbc:postgresql://db:5432/tandem"
            + " (TANDEM_DATABASE).",
        "Its password comes from "
            + PASSWORD
            + ", or from the file that "
            + PASSWORD_FILE
            + " names. At the start it is waited for 5 minutes."
      })
  String url;

  @Option(
      names = "--database-user",
      paramLabel = "USER",
      defaultValue = "${env:TANDEM_DATABASE_USER:-tandem}",
      description = "Who may create tables there (TANDEM_DATABASE_USER; ${DEFAULT-VALUE}).")
  String user;

  boolean isGiven() {
    return !url.isBlank();
  }

  /** Empty when none is given. */
  Optional<Database> database() {
    return isGiven()
        ? Optional.of(database(url, user, password(System.getenv())))
        : Optional.empty();
  }

  /**
   * Where it is.
   *
   * @throws CommandException when the URL is none of PostgreSQL or holds a password
   */
  static Database database(String url, String user, String password) {
    try {
      return new Database(url.strip(), user, password);
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, "--database: " + e.getMessage());
    }
  }

  /** The variable's, or the file's first line. */
  static String password(Map<String, String> environment) {
    String file = environment.getOrDefault(PASSWORD_FILE, "");
    String direct = environment.getOrDefault(PASSWORD, "");
    if (file.isEmpty()) {
      return direct;
    }
    if (!direct.isEmpty()) {
      throw new CommandException(
          ExitCode.USAGE, PASSWORD + " and " + PASSWORD_FILE + " are both set: set one");
    }
    try {
      return Files.readString(Path.of(file)).lines().findFirst().orElse("");
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.USAGE, PASSWORD_FILE + " " + file + ": the file cannot be read: " + e);
    }
  }
}
