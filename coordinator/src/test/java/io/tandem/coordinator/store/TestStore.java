package io.tandem.coordinator.store;

import io.tandem.coordinator.TestPostgres;
import java.nio.file.Path;
import java.time.Duration;

/** A store of either kind that can be opened again. */
final class TestStore {
  private final Path directory;
  private final Database database;

  TestStore(Dialect dialect, Path directory) {
    this.directory = directory;
    this.database = dialect == Dialect.POSTGRESQL ? TestPostgres.fresh() : null;
  }

  Store open() {
    if (database == null) {
      return Store.open(directory);
    }
    Store store = Store.of(database);
    try {
      store.awaitOpen(Duration.ofSeconds(20));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    return store;
  }
}
