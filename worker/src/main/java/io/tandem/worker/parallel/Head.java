package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Placement;
import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;

/** The operations behind the convolutions: global mean, dense layers, dropout. */
final class Head {
  private Head() {}

  /**
   * Mean over rows and columns, N C; over strips it is summed over the shards and then replicated.
   */
  static Var globalMean(ShardContext context, Tape tape, Var x) {
    Engine engine = context.engine();
    Shape s = x.value().shape();
    boolean strips = x.placement() instanceof SplitWidth;
    int width = x.placement() instanceof SplitWidth split ? split.width() : s.dim(2);
    double scale = 1.0 / ((double) s.dim(1) * width);
    boolean empty = s.elements() == 0;
    Tensor sums =
        empty ? engine.zeros(Shape.of(s.dim(0), s.dim(3))) : engine.spatialSums(x.value());
    if (strips && !context.alone()) {
      var before = context.phases().enter(PhaseClock.Phase.HALO);
      try (var host = engine.host(sums, Access.READ_WRITE)) {
        context.shards().allReduce(host.bytes(), context.element());
      }
      context.phases().enter(before);
    }
    if (sums.shape().elements() > 0) {
      engine.scale(sums, scale);
    }
    Var y = new Var(sums, strips ? Placement.REPLICATED : x.placement());
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            x.accumulate(
                engine,
                empty ? engine.zeros(s) : engine.spatialBroadcast(dy, s.dim(1), s.dim(2), scale));
            dy.close();
          });
    }
    return y;
  }

  /** {@code x w + bias}, x: N F, w: F K; and the activation behind it. */
  static Var dense(
      ShardContext context, Tape tape, Var x, Weight w, Weight bias, Activation activation) {
    Engine engine = context.engine();
    boolean empty = x.value().shape().dim(0) == 0;
    boolean linear = activation.equals(Activation.IDENTITY);
    int k = w.value().shape().dim(1);
    Tensor z;
    if (empty) {
      z = engine.zeros(Shape.of(0, k));
    } else {
      z = engine.matmul(x.value(), false, w.value(), false);
      engine.addBias(z, bias.value());
      if (!linear) {
        double[] one = new double[k];
        java.util.Arrays.fill(one, 1);
        Tensor activated = engine.scaleShift(z, one, new double[k], activation);
        z.close();
        z = activated;
      }
    }
    Var y = new Var(z, x.placement());
    if (tape != null) {
      boolean replicated = x.placement() instanceof Placement.Replicated;
      x.save();
      y.save();
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            Tensor dz = empty || linear ? dy : engine.activationBackward(dy, y.value(), activation);
            y.unsave();
            w.gradient(
                empty ? engine.zeros(w.value().shape()) : engine.matmul(x.value(), true, dz, false),
                replicated);
            bias.gradient(empty ? engine.zeros(Shape.of(k)) : engine.channelSums(dz), replicated);
            x.accumulate(
                engine,
                empty
                    ? engine.zeros(x.value().shape())
                    : engine.matmul(dz, false, w.value(), true));
            x.unsave();
            dz.close();
          });
    }
    return y;
  }

  /** Multiplies by a mask that holds 0 or 1/(1 - rate); N F. */
  static Var dropout(ShardContext context, Tape tape, Var x, Tensor mask) {
    Engine engine = context.engine();
    Var y = new Var(engine.multiply(x.value(), mask), x.placement());
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            x.accumulate(engine, engine.multiply(dy, mask));
            dy.close();
            mask.close();
          });
    } else {
      mask.close();
    }
    return y;
  }

  /** N H W C to N (H W C), of whole images. */
  static Var flatten(ShardContext context, Tape tape, Var x) {
    Engine engine = context.engine();
    Shape s = x.value().shape();
    Tensor copy = engine.uninitialized(Shape.of(s.dim(0), s.dim(1) * s.dim(2) * s.dim(3)));
    if (s.elements() > 0) {
      engine.copy(x.value(), copy);
    }
    Var y = new Var(copy, x.placement());
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            Tensor dx = engine.uninitialized(s);
            if (s.elements() > 0) {
              engine.copy(dy, dx);
            }
            dy.close();
            x.accumulate(engine, dx);
          });
    }
    return y;
  }

  /** a + b. */
  static Var add(ShardContext context, Tape tape, Var a, Var b) {
    Engine engine = context.engine();
    boolean empty = a.value().shape().elements() == 0;
    Var y =
        new Var(
            empty ? engine.zeros(a.value().shape()) : engine.add(a.value(), b.value()),
            a.placement());
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            Tensor copy = engine.uninitialized(dy.shape());
            if (!empty) {
              engine.copy(dy, copy);
            }
            a.accumulate(engine, dy);
            b.accumulate(engine, copy);
          });
    }
    return y;
  }
}
