package io.tandem.coordinator.jobs;

import java.util.function.LongSupplier;

/**
 * The manager's two clocks, both in milliseconds.
 *
 * @param wall since 1970, for what people read and what is stored; it may be set at any time. Where
 *     coordinators share a database, its clock takes the place of this one
 * @param steady since any moment, never set: for who was heard how long ago
 */
public record Clocks(LongSupplier wall, LongSupplier steady) {
  /** This machine's. */
  public static Clocks system() {
    return new Clocks(System::currentTimeMillis, () -> System.nanoTime() / 1_000_000);
  }
}
