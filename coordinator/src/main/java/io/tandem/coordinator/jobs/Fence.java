package io.tandem.coordinator.jobs;

import akka.actor.typed.Behavior;
import akka.actor.typed.BehaviorInterceptor;
import akka.actor.typed.TypedActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.tandem.coordinator.store.FencedException;
import java.util.function.Consumer;

/** Stops a manager that leads no more, and says so; every other failure is its supervisor's. */
final class Fence extends BehaviorInterceptor<Object, Object> {
  private final Consumer<String> lost;

  private Fence(Consumer<String> lost) {
    super(Object.class);
    this.lost = lost;
  }

  static Behavior<Object> around(Behavior<Object> manager, Consumer<String> lost) {
    return Behaviors.intercept(() -> new Fence(lost), manager);
  }

  @Override
  public Behavior<Object> aroundReceive(
      TypedActorContext<Object> context, Object message, ReceiveTarget<Object> target) {
    try {
      return target.apply(context, message);
    } catch (FencedException e) {
      lost.accept(e.getMessage());
      return Behaviors.stopped();
    }
  }
}
