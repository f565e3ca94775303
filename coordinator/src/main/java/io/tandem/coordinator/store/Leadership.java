package io.tandem.coordinator.store;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/**
 * The right to write, until somebody else takes it. Made by {@link Store#lead}. Every transaction
 * first updates the one row of {@code leadership} where the epoch is still this one's, which also
 * locks it: a new leader waits for what is under way, and after it an old leader's transaction
 * finds no row and leaves nothing. Thread-safe.
 */
public final class Leadership {
  private static final Duration RENEW = Duration.ofSeconds(2);

  private final Store store;
  private final String holder;
  private final long epoch;
  private volatile long renewedNanos = System.nanoTime();
  private volatile Reading clock;

  /** What the database's clock showed, and when. */
  private record Reading(long millis, long nanos) {
    static Reading of(long millis) {
      return new Reading(millis, System.nanoTime());
    }
  }

  Leadership(Store store, String holder, long epoch, long databaseMillis) {
    this.store = store;
    this.holder = holder;
    this.epoch = epoch;
    this.clock = Reading.of(databaseMillis);
  }

  /** Grows with every leader. */
  public long epoch() {
    return epoch;
  }

  /**
   * Milliseconds since 1970 by the database's clock, which all coordinators share: read with each
   * write, and gone on from there.
   */
  public long now() {
    Reading last = clock;
    return last.millis() + (System.nanoTime() - last.nanos()) / 1_000_000;
  }

  /** As {@link Store#read}, over connections that no other reader can take. */
  public <T> T read(Function<StoreReader, T> work) {
    return store.readAsLeader(work);
  }

  /**
   * All that the writer does is done together or not at all.
   *
   * @throws FencedException when another coordinator leads
   */
  public void write(Consumer<StoreWriter> work) {
    store.transact(
        handle -> {
          check(handle);
          StoreWriter writer = new StoreWriter(handle);
          work.accept(writer);
          writer.flush();
          return null;
        });
    renewedNanos = System.nanoTime();
  }

  private void check(Handle handle) {
    long renewed =
        handle
            .createQuery(
                "UPDATE leadership SET renewed_at = <now> WHERE only_row = 1 AND epoch = :epoch"
                    + " RETURNING renewed_at")
            .define("now", store.dialect().now())
            .bind("epoch", epoch)
            .mapTo(Long.class)
            .findOne()
            .orElseThrow(() -> new FencedException(holder, epoch));
    clock = Reading.of(renewed);
  }

  /**
   * Shows others that this leader lives, where it has others and has not written lately.
   *
   * @throws FencedException when another coordinator leads
   */
  public void renew() {
    if (store.isShared() && System.nanoTime() - renewedNanos > RENEW.toNanos()) {
      write(writer -> {});
    }
  }

  /** Tells others that they need not wait; nothing happens when one leads already. */
  public void resign() {
    store.transact(
        handle ->
            handle
                .createUpdate("UPDATE leadership SET renewed_at = 0 WHERE epoch = :epoch")
                .bind("epoch", epoch)
                .execute());
  }
}
