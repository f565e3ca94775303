package io.tandem.coordinator.jobs;

import akka.actor.ExtendedActorSystem;
import akka.actor.setup.Setup;
import akka.coordination.lease.LeaseSettings;
import akka.coordination.lease.javadsl.Lease;
import io.tandem.coordinator.store.Store;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The lease in the store by which the split-brain resolver decides which side goes on. It is taken
 * for longer than the resolver keeps it, and lapses by itself. Made by Akka from its class name.
 */
public final class StoreLease extends Lease {
  /** Hands the store to leases of an actor system. */
  static final class Source extends Setup {
    private final Store store;

    Source(Store store) {
      this.store = store;
    }
  }

  private final LeaseSettings settings;
  private final Store store;
  private final Executor blocking;
  private volatile boolean held;
  private volatile long takenNanos;

  public StoreLease(LeaseSettings settings, ExtendedActorSystem system) {
    this.settings = settings;
    this.store = system.settings().setup().get(Source.class).orElseThrow().store;
    this.blocking = system.dispatchers().lookup(ControlPlane.DISPATCHER);
  }

  @Override
  public LeaseSettings getSettings() {
    return settings;
  }

  @Override
  public CompletionStage<Boolean> acquire() {
    return later(
        () -> {
          long begun = System.nanoTime();
          boolean taken = store.acquire(settings.leaseName(), settings.ownerName(), time());
          takenNanos = begun;
          held = taken;
          return taken;
        });
  }

  /** The callback is never called: nobody takes a lease before it has lapsed. */
  @Override
  public CompletionStage<Boolean> acquire(Consumer<Optional<Throwable>> leaseLost) {
    return acquire();
  }

  @Override
  public CompletionStage<Boolean> release() {
    return later(
        () -> {
          held = false;
          store.release(settings.leaseName(), settings.ownerName());
          return true;
        });
  }

  /** As far as is known here: Akka's own threads ask, which must not wait for a database. */
  @Override
  public boolean checkLease() {
    return held && System.nanoTime() - takenNanos < time().toNanos();
  }

  private Duration time() {
    return settings.timeoutSettings().getHeartbeatTimeout();
  }

  private CompletionStage<Boolean> later(Supplier<Boolean> work) {
    return CompletableFuture.supplyAsync(work, blocking);
  }
}
