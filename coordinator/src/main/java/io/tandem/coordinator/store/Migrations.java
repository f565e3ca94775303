package io.tandem.coordinator.store;

import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.configuration.FluentConfiguration;

/** Brings a database to this release's tables. One set of scripts serves every dialect. */
final class Migrations {
  /** Of the first script while it was SQLite's alone: what it makes there is the same. */
  static final int FIRST_OF_SQLITE = 694024489;

  private Migrations() {}

  static void run(FluentConfiguration configuration, Dialect dialect) {
    Flyway flyway =
        configuration
            .locations("classpath:io/tandem/coordinator/store")
            .placeholders(dialect.placeholders())
            .load();
    refuseNewer(flyway);
    boolean older =
        Stream.of(flyway.info().applied())
            .map(MigrationInfo::getChecksum)
            .anyMatch(sum -> sum != null && sum == FIRST_OF_SQLITE);
    if (older) {
      flyway.repair();
    }
    flyway.migrate();
  }

  /** Flyway would pass over what a later release has changed. */
  private static void refuseNewer(Flyway flyway) {
    for (MigrationInfo migration : flyway.info().applied()) {
      if (migration.getState() == MigrationState.FUTURE_SUCCESS
          || migration.getState() == MigrationState.FUTURE_FAILED) {
        throw new IllegalStateException(
            "it is of a later release (schema version %s): run that release, or give this one a store of its own"
                .formatted(migration.getVersion()));
      }
    }
  }
}
