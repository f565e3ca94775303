package io.tandem.coordinator.jobs;

import akka.actor.typed.Behavior;
import akka.actor.typed.BehaviorInterceptor;
import akka.actor.typed.Signal;
import akka.actor.typed.TypedActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.tandem.coordinator.store.FencedException;
import io.tandem.coordinator.store.StoreUnavailableException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops a manager that leads no more, and says so; every other failure is its supervisor's, and is
 * written down: of a store that does not answer its reason, of all else where it came from, too.
 */
final class Fence extends BehaviorInterceptor<Object, Object> {
  private static final Logger LOG = LoggerFactory.getLogger(Fence.class);
  private final Consumer<String> lost;

  private Fence(Consumer<String> lost) {
    super(Object.class);
    this.lost = lost;
  }

  static Behavior<Object> around(Behavior<Object> manager, Consumer<String> lost) {
    return Behaviors.intercept(() -> new Fence(lost), manager);
  }

  @Override
  public Behavior<Object> aroundStart(
      TypedActorContext<Object> context, PreStartTarget<Object> target) {
    return written(() -> target.start(context));
  }

  @Override
  public Behavior<Object> aroundReceive(
      TypedActorContext<Object> context, Object message, ReceiveTarget<Object> target) {
    return written(
        () -> {
          try {
            return target.apply(context, message);
          } catch (FencedException e) {
            lost.accept(e.getMessage());
            return Behaviors.stopped();
          }
        });
  }

  @Override
  public Behavior<Object> aroundSignal(
      TypedActorContext<Object> context, Signal signal, SignalTarget<Object> target) {
    return written(() -> target.apply(context, signal));
  }

  private static Behavior<Object> written(Supplier<Behavior<Object>> work) {
    try {
      return work.get();
    } catch (StoreUnavailableException e) {
      LOG.warn("the manager of the jobs starts again: {}", e.getMessage());
      throw e;
    } catch (RuntimeException e) {
      LOG.error("the manager of the jobs fails, and starts again unless it stops", e);
      throw e;
    }
  }
}
