package io.tandem.coordinator.store;

import java.time.Duration;
import java.util.function.Consumer;
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

  Leadership(Store store, String holder, long epoch) {
    this.store = store;
    this.holder = holder;
    this.epoch = epoch;
  }

  /** Grows with every leader. */
  public long epoch() {
    return epoch;
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
          work.accept(new StoreWriter(handle));
          return null;
        });
    renewedNanos = System.nanoTime();
  }

  private void check(Handle handle) {
    int rows =
        handle
            .createUpdate(
                "UPDATE leadership SET renewed_at = <now> WHERE only_row = 1 AND epoch = :epoch")
            .define("now", store.dialect().now())
            .bind("epoch", epoch)
            .execute();
    if (rows != 1) {
      throw new FencedException(holder, epoch);
    }
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
