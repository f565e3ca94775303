package io.tandem.worker.parallel;

import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A shard's strip with the columns of other shards that a window operation needs. */
final class Halo {
  private final ShardContext context;
  private final HaloPlan plan;
  private final int me;
  private final Tensor[] received;

  private Halo(ShardContext context, HaloPlan plan, Tensor[] received) {
    this.context = context;
    this.plan = plan;
    this.me = context.shard();
    this.received = received;
  }

  /**
   * Whether any shard needs a column of another: asked alike by all, since all must then exchange.
   */
  private static boolean crosses(HaloPlan plan) {
    int shards = plan.in().parts();
    for (int owner = 0; owner < shards; owner++) {
      for (int s = 0; s < shards; s++) {
        if (owner != s && plan.columns(owner, s) > 0) {
          return true;
        }
      }
    }
    return false;
  }

  /** Exchanges the columns of x (N H w C) as planned. */
  static Halo exchange(ShardContext context, HaloPlan plan, Tensor x) {
    Halo[] halo = new Halo[1];
    exchange(context, plan, x, made -> halo[0] = made, () -> null);
    return halo[0];
  }

  /**
   * As {@link #exchange(ShardContext, HaloPlan, Tensor)}, while other work is done.
   *
   * @param halo gets the halo before the work is done, and may read its columns afterwards
   */
  static <T> T exchange(
      ShardContext context, HaloPlan plan, Tensor x, Consumer<Halo> halo, Supplier<T> work) {
    int shards = plan.in().parts();
    int me = context.shard();
    Tensor[] sends = new Tensor[shards];
    Tensor[] received = new Tensor[shards];
    halo.accept(new Halo(context, plan, received));
    if (!crosses(plan)) {
      return work.get();
    }
    for (int s = 0; s < shards; s++) {
      if (s != me) {
        sends[s] =
            cut(context.engine(), x, plan.from(me, s) - plan.in().start(me), plan.columns(me, s));
        received[s] = columns(context.engine(), x.shape(), plan.columns(s, me));
      }
    }
    T result = Exchange.begin(context, sends, received).during(work);
    close(sends);
    return result;
  }

  /** What came from a shard, N H columns C; null where nothing was needed of it. */
  Tensor of(int owner) {
    return received[owner];
  }

  /** Whether the strip is all that is needed. */
  boolean exact() {
    return plan.exact(me);
  }

  /** The strip with its halo: N H needed C. */
  Tensor assemble(Tensor x) {
    Engine engine = context.engine();
    Shape s = x.shape();
    Shape shape = Shape.of(s.dim(0), s.dim(1), plan.needed(me), s.dim(3));
    // Unless all is padding every column has an owner, and nothing is left as it was.
    Tensor whole = plan.blank(me) ? engine.zeros(shape) : engine.uninitialized(shape);
    for (int owner = 0; owner < received.length; owner++) {
      int columns = plan.columns(owner, me);
      if (columns > 0) {
        int to = plan.from(owner, me) - plan.needFrom(me);
        Tensor source = owner == me ? x : received[owner];
        int from = owner == me ? plan.from(me, me) - plan.in().start(me) : 0;
        engine.copyRegion(source, 0, from, whole, 0, to, s.dim(1), columns);
      }
    }
    return whole;
  }

  /** Sends the gradients of foreign columns home and adds up those of this strip. */
  Tensor gradient(Tensor dWhole, Shape strip) {
    Tensor[] sends = new Tensor[received.length];
    for (int s = 0; s < sends.length; s++) {
      if (s != me) {
        int at = plan.from(s, me) - plan.needFrom(me);
        sends[s] = cut(context.engine(), dWhole, at, plan.columns(s, me));
      }
    }
    return gradient(sends, strip, () -> own(dWhole, strip));
  }

  private Tensor own(Tensor dWhole, Shape strip) {
    Engine engine = context.engine();
    int own = plan.columns(me, me);
    // Columns that no window of this shard reaches have no gradient of their own.
    Tensor dx = own == strip.dim(2) ? engine.uninitialized(strip) : engine.zeros(strip);
    if (own > 0) {
      int at = plan.from(me, me);
      engine.copyRegion(
          dWhole, 0, at - plan.needFrom(me), dx, 0, at - plan.in().start(me), strip.dim(1), own);
    }
    return dx;
  }

  /**
   * Sends the gradients of foreign columns home while this strip's own gradient is made, and adds
   * up what comes.
   *
   * @param sends by owner, closed here; any shape of the columns' size
   */
  Tensor gradient(Tensor[] sends, Shape strip, Supplier<Tensor> own) {
    if (!crosses(plan)) {
      return own.get();
    }
    Engine engine = context.engine();
    Tensor[] arriving = new Tensor[sends.length];
    for (int s = 0; s < sends.length; s++) {
      arriving[s] = s == me ? null : columns(engine, strip, plan.columns(me, s));
    }
    Tensor dx = Exchange.begin(context, sends, arriving).during(own);
    for (int s = 0; s < sends.length; s++) {
      if (arriving[s] != null) {
        int at = plan.from(me, s) - plan.in().start(me);
        engine.addRegion(arriving[s], 0, 0, dx, 0, at, strip.dim(1), plan.columns(me, s));
      }
    }
    close(sends);
    close(arriving);
    return dx;
  }

  void close() {
    close(received);
  }

  private static void close(Tensor[] tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
  }

  private static Tensor columns(Engine engine, Shape like, int columns) {
    return columns == 0 || like.elements() == 0
        ? null
        : engine.uninitialized(Shape.of(like.dim(0), like.dim(1), columns, like.dim(3)));
  }

  private static Tensor cut(Engine engine, Tensor x, int from, int columns) {
    Tensor part = columns(engine, x.shape(), columns);
    if (part != null) {
      engine.copyRegion(x, 0, from, part, 0, 0, x.shape().dim(1), columns);
    }
    return part;
  }
}
