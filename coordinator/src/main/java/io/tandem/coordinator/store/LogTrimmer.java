package io.tandem.coordinator.store;

import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Keeps a job's log bounded: its last {@value #KEPT} lines stay. Owned by one thread. */
final class LogTrimmer {
  static final int KEPT = 100_000;

  private final Store store;

  LogTrimmer(Store store) {
    this.store = store;
  }

  /** Removes what is older, some lines a transaction; ids grow with time. */
  void trim(String job, BooleanSupplier goesOn) {
    Optional<Long> newest =
        store.tidy(
            handle ->
                handle
                    .createQuery(
                        "SELECT id FROM logs WHERE job_id = :job ORDER BY id DESC"
                            + " LIMIT 1 OFFSET :kept")
                    .bind("job", job)
                    .bind("kept", KEPT)
                    .mapTo(Long.class)
                    .findOne());
    if (newest.isEmpty()) {
      return;
    }
    int removed = Housekeeping.BATCH;
    while (removed == Housekeeping.BATCH && goesOn.getAsBoolean()) {
      removed =
          store.tidy(
              handle ->
                  handle
                      .createUpdate(
                          "DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE job_id = :job"
                              + " AND id <= :newest ORDER BY id LIMIT :batch)")
                      .bind("job", job)
                      .bind("newest", newest.get())
                      .bind("batch", Housekeeping.BATCH)
                      .execute());
    }
  }
}
