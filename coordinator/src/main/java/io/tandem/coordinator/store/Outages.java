package io.tandem.coordinator.store;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Tells a database that is away from one that says no. */
final class Outages {
  /**
   * SQLSTATEs of a lost connection, of a server that has no room, that stops or that starts, and of
   * a statement or a wait that took too long.
   */
  private static final List<String> STATES = List.of("08", "53", "57P", "57014", "55P03", "25P03");

  /** SQLSTATEs of values that are none for their column, break a constraint, or are too large. */
  private static final List<String> REFUSALS = List.of("22", "23", "54");

  /** The same in SQLite, which has no SQLSTATE: too big, constraint, mismatch. */
  private static final Set<Integer> SQLITE_REFUSALS = Set.of(18, 19, 20);

  private Outages() {}

  /** Whether it is what was written that is at fault, and not the store: it will fail again. */
  static boolean isRefusal(Throwable failure) {
    SQLException said = null;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      said = at instanceof SQLException sql ? sql : said;
    }
    if (said == null) {
      return !(failure instanceof StoreUnavailableException || failure instanceof FencedException);
    }
    String state = said.getSQLState();
    return state == null
        ? SQLITE_REFUSALS.contains(said.getErrorCode())
        : REFUSALS.stream().anyMatch(state::startsWith);
  }

  /** Why the database is away, or empty when it is not. */
  static Optional<String> reason(Throwable failure) {
    Throwable first = null;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SQLException sql && isOutage(sql)) {
        first = at; // the innermost says most
      }
    }
    return Optional.ofNullable(first).map(Throwable::getMessage);
  }

  private static boolean isOutage(SQLException failure) {
    String state = failure.getSQLState();
    return failure instanceof SQLTransientConnectionException
        || state != null && STATES.stream().anyMatch(state::startsWith);
  }
}
