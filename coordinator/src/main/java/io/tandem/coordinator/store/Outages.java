package io.tandem.coordinator.store;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Tells a database that is away from one that is busy, and from one that says no. */
final class Outages {
  /**
   * Why the store does not answer.
   *
   * @param away whether that concerns every caller: otherwise what this one asked took too long, or
   *     no connection was free for it
   */
  record Trouble(String reason, boolean away) {}

  /** SQLSTATEs of a lost connection, and of a server that has no room, that stops or starts. */
  private static final List<String> AWAY = List.of("08", "53", "57P");

  /** SQLSTATEs of a statement, a wait for a lock and a pause that took too long. */
  private static final List<String> BUSY = List.of("57014", "55P03", "25P03");

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

  /** Why it does not answer, or empty when it says no. */
  static Optional<Trouble> trouble(Throwable failure) {
    Trouble found = null;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SQLException sql) {
        Trouble innermost = trouble(sql); // which says most
        found = innermost == null ? found : innermost;
      }
    }
    return Optional.ofNullable(found);
  }

  private static Trouble trouble(SQLException failure) {
    String state = failure.getSQLState();
    if (state != null && BUSY.contains(state)) {
      return new Trouble(failure.getMessage(), false);
    }
    if (state != null && AWAY.stream().anyMatch(state::startsWith)) {
      return new Trouble(failure.getMessage(), true);
    }
    // Of the pool: the reason why it cannot connect comes with it, or there is none and all are
    // taken.
    return failure instanceof SQLTransientConnectionException
        ? new Trouble(failure.getMessage(), failure.getCause() != null)
        : null;
  }
}
