package io.tandem.coordinator.jobs;

import akka.actor.typed.Behavior;
import akka.actor.typed.BehaviorInterceptor;
import akka.actor.typed.Signal;
import akka.actor.typed.TypedActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.tandem.coordinator.store.FencedException;
import io.tandem.coordinator.store.StoreUnavailableException;
import java.util.function.Consumer;
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
    try {
      return target.start(context);
    } catch (RuntimeException e) {
      write(e);
      throw e;
    }
  }

  @Override
  public Behavior<Object> aroundReceive(
      TypedActorContext<Object> context, Object message, ReceiveTarget<Object> target) {
    try {
      return target.apply(context, message);
    } catch (FencedException e) {
      lost.accept(e.getMessage());
      return Behaviors.stopped();
    } catch (RuntimeException e) {
      write(e);
      throw e;
    }
  }

  @Override
  public Behavior<Object> aroundSignal(
      TypedActorContext<Object> context, Signal signal, SignalTarget<Object> target) {
    try {
      return target.apply(context, signal);
    } catch (RuntimeException e) {
      write(e);
      throw e;
    }
  }

  private static void write(RuntimeException failure) {
    if (failure instanceof StoreUnavailableException) {
      LOG.warn("the manager of the jobs starts again: {}", failure.getMessage());
    } else {
      LOG.error("the manager of the jobs fails, and starts again", failure);
    }
  }
}
