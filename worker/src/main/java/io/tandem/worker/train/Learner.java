package io.tandem.worker.train;

import io.tandem.protocol.job.TrainingSpec.OptimizerSpec;
import io.tandem.worker.collective.Communicator;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory.Access;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.PhaseClock.Phase;
import io.tandem.worker.parallel.ShardContext;
import io.tandem.worker.parallel.ShardedParameters;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A network with its optimizer: this shard's momentum and averaged weights lie flat beside its
 * weights. Gradients are summed over the group by the backward pass and over the replicas here.
 */
public final class Learner implements AutoCloseable {
  private final ShardContext context;
  private final Network network;
  private final OptimizerSpec spec;
  private final double averageDecay;
  private final Tensor velocity;
  private final Tensor average;
  private long updates;

  public Learner(ShardContext context, Network network, OptimizerSpec spec, double averageDecay) {
    this.context = context;
    this.network = network;
    this.spec = spec;
    this.averageDecay = averageDecay;
    Shape shape = Shape.of(network.parameters().length());
    Engine engine = context.engine();
    this.velocity = engine.allocate(shape, MemoryKind.OPTIMIZER);
    this.average = engine.allocate(shape, MemoryKind.OPTIMIZER);
    engine.copy(network.parameters().weights(), average);
  }

  /** The network. */
  public Network network() {
    return network;
  }

  /** The optimizer's settings. */
  public OptimizerSpec spec() {
    return spec;
  }

  /** Momentum, flat. */
  public Tensor velocity() {
    return velocity;
  }

  /** Averaged weights, flat. */
  public Tensor average() {
    return average;
  }

  /** Updates made, for the average's warm-up. */
  public long updates() {
    return updates;
  }

  /** Continues from a checkpoint. */
  public void updates(long count) {
    updates = count;
  }

  /** Before a backward pass. */
  public void clearGradients() {
    context.engine().fill(network.parameters().gradients(), 0);
  }

  /** Sums the gradients over the replicas; afterwards every replica has the same. */
  public void reduceGradients() {
    if (context.replicas().size() == 1) {
      return;
    }
    Phase before = context.phases().enter(Phase.REDUCE);
    try (var host = context.engine().host(network.parameters().gradients(), Access.READ_WRITE)) {
      context.replicas().allReduce(host.bytes(), context.element());
    }
    context.phases().enter(before);
  }

  /** The sum over all shards of a[i] * b[i] for flat vectors of this layout. */
  public double dot(Tensor a, Tensor b) {
    return sum(context.shards(), context.engine().dot(a, b));
  }

  /** The squared norm of the whole gradient. */
  public double squaredGradientNorm() {
    Tensor g = network.parameters().gradients();
    return dot(g, g);
  }

  /**
   * How far a step moves a weight against its gradient: the rate, with Nesterov momentum m {@code
   * rate * (1 + m)}, times what clipping leaves.
   */
  public double response(double rate, double squaredNorm) {
    double nesterov = spec.nesterov() ? 1 + spec.momentum() : 1;
    return rate * nesterov * clip(Math.sqrt(squaredNorm));
  }

  private double clip(double norm) {
    return spec.clipNorm() > 0 && norm > spec.clipNorm() ? spec.clipNorm() / norm : 1;
  }

  /** One step of momentum with these reduced gradients (clipped when told), and the average's. */
  public void update(double rate, double squaredNorm) {
    Phase before = context.phases().enter(Phase.OPTIMIZER);
    Engine engine = context.engine();
    ShardedParameters p = network.parameters();
    double clip = clip(Math.sqrt(squaredNorm));
    if (clip < 1) {
      engine.scale(p.gradients(), clip);
    }
    part(p, 0, p.decayedLength(), rate, spec.weightDecay());
    part(p, p.decayedLength(), p.length() - p.decayedLength(), rate, 0);
    updates++;
    // The average follows quickly at first: min(decay, (1 + t) / (10 + t)).
    engine.averageStep(
        average, p.weights(), Math.min(averageDecay, (1.0 + updates) / (10.0 + updates)));
    context.phases().enter(before);
  }

  private void part(ShardedParameters p, int from, int length, double rate, double decay) {
    if (length == 0) {
      return;
    }
    Engine engine = context.engine();
    Shape shape = Shape.of(length);
    engine.momentumStep(
        engine.view(p.weights(), from, shape),
        engine.view(p.gradients(), from, shape),
        engine.view(velocity, from, shape),
        rate,
        spec.momentum(),
        spec.nesterov(),
        decay);
  }

  /** Exchanges the weights with the averaged ones; calling it again undoes it. */
  public void swapAverage() {
    Engine engine = context.engine();
    try (var scope = engine.openScope()) {
      Tensor held = engine.uninitialized(average.shape());
      engine.copy(average, held);
      engine.copy(network.parameters().weights(), average);
      engine.copy(held, network.parameters().weights());
    }
  }

  /** The sum of one number over a communicator's members. */
  public static double sum(Communicator communicator, double value) {
    return sum(communicator, new double[] {value})[0];
  }

  /** The sums of some numbers over a communicator's members, in place. */
  public static double[] sum(Communicator communicator, double[] values) {
    if (communicator.size() > 1) {
      ByteBuffer buffer =
          ByteBuffer.allocateDirect(8 * values.length).order(ByteOrder.nativeOrder());
      buffer.asDoubleBuffer().put(values);
      communicator.allReduce(buffer, io.tandem.worker.collective.ElementType.FLOAT64);
      buffer.asDoubleBuffer().get(values);
    }
    return values;
  }

  @Override
  public void close() {
    network.close();
    velocity.close();
    average.close();
  }
}
