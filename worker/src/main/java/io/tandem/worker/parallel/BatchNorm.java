package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.collective.ElementType;
import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels.BackwardSums;
import io.tandem.worker.engine.ChannelKernels.Moments;
import io.tandem.worker.engine.ChannelKernels.ScaleShift;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Batch normalisation over the whole mesh, with the activation behind it (Ioffe and Szegedy, 2015).
 * Forward: every rank's count, mean and squared deviation are gathered and merged in the order of
 * ranks (Chan, Golub and LeVeque, 1979), in float64; backward: the sums of dz and of dz * (x -
 * mean) are added up. The result does not depend on how images and columns are cut.
 */
final class BatchNorm {
  private static final double EPSILON = 1e-3;

  private BatchNorm() {}

  /** With statistics of the batch; updates the running ones when told. */
  static Var train(
      ShardContext context,
      Tape tape,
      Var x,
      Weight gamma,
      Weight beta,
      Activation activation,
      RunningStatistics running,
      double momentum) {
    Engine engine = context.engine();
    int c = x.value().shape().dim(-1);
    boolean empty = x.value().shape().elements() == 0;
    Moments local =
        empty ? new Moments(0, new double[c], new double[c]) : engine.moments(x.value());
    Moments all = merge(context, local);
    double[] inverse = new double[c];
    for (int i = 0; i < c; i++) {
      inverse[i] = 1 / Math.sqrt(all.squaredDeviation()[i] / all.count() + EPSILON);
    }
    if (running != null) {
      running.update(all, momentum);
    }
    double[] g = engine.download(gamma.value());
    double[] b = engine.download(beta.value());
    ScaleShift made = scaleShift(all.mean(), inverse, g, b, activation);
    Var y = apply(engine, x, made);
    if (tape != null) {
      x.save();
      tape.record(() -> backward(context, x, y, gamma, beta, made, all, inverse, g));
    }
    return y;
  }

  /** With the running statistics. */
  static Var evaluate(
      ShardContext context,
      Var x,
      Weight gamma,
      Weight beta,
      Activation activation,
      RunningStatistics running) {
    Engine engine = context.engine();
    double[] inverse =
        Arrays.stream(running.variance()).map(v -> 1 / Math.sqrt(v + EPSILON)).toArray();
    return apply(
        engine,
        x,
        scaleShift(
            running.mean(),
            inverse,
            engine.download(gamma.value()),
            engine.download(beta.value()),
            activation));
  }

  private static ScaleShift scaleShift(
      double[] mean, double[] inverse, double[] gamma, double[] beta, Activation activation) {
    double[] scale = new double[mean.length];
    double[] shift = new double[mean.length];
    for (int i = 0; i < mean.length; i++) {
      scale[i] = gamma[i] * inverse[i];
      shift[i] = beta[i] - mean[i] * scale[i];
    }
    return new ScaleShift(scale, shift, activation);
  }

  private static Var apply(Engine engine, Var x, ScaleShift made) {
    Tensor y =
        x.value().shape().elements() == 0
            ? engine.zeros(x.value().shape())
            : engine.scaleShift(x.value(), made.scale(), made.shift(), made.activation());
    return new Var(y, x.placement());
  }

  private static void backward(
      ShardContext context,
      Var x,
      Var y,
      Weight gamma,
      Weight beta,
      ScaleShift made,
      Moments all,
      double[] inverse,
      double[] g) {
    Engine engine = context.engine();
    int c = g.length;
    boolean empty = x.value().shape().elements() == 0;
    Tensor dy = y.takeGradient();
    BackwardSums local =
        empty
            ? new BackwardSums(new double[c], new double[c])
            : engine.normalizationSums(dy, x.value(), made, all.mean());
    double[] sums = new double[2 * c];
    System.arraycopy(local.dz(), 0, sums, 0, c);
    System.arraycopy(local.dzTimesDeviation(), 0, sums, c, c);
    double[] dBeta = local.dz();
    double[] dGamma = new double[c];
    for (int i = 0; i < c; i++) {
      dGamma[i] = local.dzTimesDeviation()[i] * inverse[i];
    }
    gamma.gradient(engine.upload(Shape.of(c), dGamma), false);
    beta.gradient(engine.upload(Shape.of(c), dBeta), false);
    allReduce(context, sums);
    double[] a = new double[c];
    double[] b = new double[c];
    double[] c0 = new double[c];
    double n = all.count();
    for (int i = 0; i < c; i++) {
      // dx = gamma/sd * (dz - sum(dz)/n - xhat * sum(dz * xhat)/n), written in dz, x and a
      // constant.
      a[i] = g[i] * inverse[i];
      b[i] = -a[i] * inverse[i] * inverse[i] * sums[c + i] / n;
      c0[i] = -a[i] * sums[i] / n - b[i] * all.mean()[i];
    }
    Tensor dx = empty ? dy : engine.normalizationBackward(dy, x.value(), made, a, b, c0);
    x.unsave();
    x.accumulate(engine, dx);
  }

  private static Moments merge(ShardContext context, Moments local) {
    int ranks = context.world().size();
    if (ranks == 1) {
      return local;
    }
    var before = context.phases().enter(PhaseClock.Phase.REDUCE);
    int c = local.mean().length;
    int length = 1 + 2 * c;
    ByteBuffer out = ByteBuffer.allocateDirect(8 * length).order(ByteOrder.nativeOrder());
    out.asDoubleBuffer().put(local.count()).put(local.mean()).put(local.squaredDeviation());
    ByteBuffer in = ByteBuffer.allocateDirect(8 * length * ranks).order(ByteOrder.nativeOrder());
    context.world().allGather(out, in);
    double count = 0;
    double[] mean = new double[c];
    double[] deviation = new double[c];
    double[] part = new double[length];
    for (int r = 0; r < ranks; r++) {
      in.asDoubleBuffer().get(r * length, part);
      double n = part[0];
      if (n == 0) {
        continue;
      }
      double total = count + n;
      for (int i = 0; i < c; i++) {
        double delta = part[1 + i] - mean[i];
        mean[i] += delta * n / total;
        deviation[i] += part[1 + c + i] + delta * delta * count * n / total;
      }
      count = total;
    }
    context.phases().enter(before);
    return new Moments((long) count, mean, deviation);
  }

  private static void allReduce(ShardContext context, double[] sums) {
    if (context.world().size() == 1) {
      return;
    }
    var before = context.phases().enter(PhaseClock.Phase.REDUCE);
    ByteBuffer buffer = ByteBuffer.allocateDirect(8 * sums.length).order(ByteOrder.nativeOrder());
    buffer.asDoubleBuffer().put(sums);
    context.world().allReduce(buffer, ElementType.FLOAT64);
    buffer.asDoubleBuffer().get(sums);
    context.phases().enter(before);
  }
}
