package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.util.Arrays;

/**
 * {@link ChannelKernels} as fused passes: each value is read once. Sums run in the tensor's type
 * within a group of tiles (64 additions) and in float64 over groups, in an order that the shape
 * alone decides.
 *
 * @param <A> float[] or double[]
 */
final class ChannelLoops<A> implements ChannelKernels {
  private final Nd4jMemory memory;
  private final Lanes<A> lanes;
  private final Parallel parallel;
  private final Tiles<A> tiles;

  ChannelLoops(Nd4jMemory memory, Lanes<A> lanes, Parallel parallel) {
    this.memory = memory;
    this.lanes = lanes;
    this.parallel = parallel;
    this.tiles = new Tiles<>(lanes, parallel);
  }

  private static Chunks chunks(Nd4jTensor x) {
    Check.that(x.shape().rank() > 0, "channel kernel", "needs a last dim of channels", x);
    return Chunks.of(x.elements(), x.shape().dim(-1));
  }

  @Override
  public Moments moments(Tensor x) {
    Nd4jTensor in = memory.own(x);
    Chunks chunks = chunks(in);
    Moments[] partial = new Moments[chunks.parts()];
    parallel.run(chunks.parts(), part -> partial[part] = moments(in, chunks, part));
    Moments all = partial[0];
    for (int part = 1; part < partial.length; part++) {
      all = merge(all, partial[part]);
    }
    return all;
  }

  /**
   * Every group is read twice, the second time from the cache: around its own mean the sums of
   * squares lose nothing, however far that mean is from zero.
   */
  private Moments moments(Nd4jTensor x, Chunks chunks, int part) {
    int c = chunks.channels();
    A values = lanes.array(chunks.tile());
    A s1 = lanes.array(chunks.tile());
    A s2 = lanes.array(chunks.tile());
    double[] sum = new double[c];
    double[] squares = new double[c];
    Moments[] all = {new Moments(0, new double[c], new double[c])};
    chunks.groups(
        part,
        (group, elements) -> {
          long rows = elements / c;
          chunks.tiles(
              group,
              elements,
              (at, n) -> {
                lanes.load(x, at, values, n);
                lanes.add(s1, values, n);
              });
          lanes.fold(s1, sum);
          double[] mean = new double[c];
          for (int i = 0; i < c; i++) {
            mean[i] = lanes.rounded(sum[i] / rows);
          }
          A shift = lanes.tiled(mean, chunks.tile());
          chunks.tiles(
              group,
              elements,
              (at, n) -> {
                lanes.load(x, at, values, n);
                lanes.deviations(values, n, shift, s1, s2);
              });
          lanes.fold(s1, sum);
          lanes.fold(s2, squares);
          for (int i = 0; i < c; i++) {
            double rest = sum[i] / rows;
            mean[i] += rest;
            squares[i] = Math.max(0, squares[i] - rest * sum[i]);
          }
          all[0] = merge(all[0], new Moments(rows, mean, squares.clone()));
        });
    return all[0];
  }

  /** Chan, Golub and LeVeque (1979), equation 2.1. */
  private static Moments merge(Moments a, Moments b) {
    if (a.count() == 0) {
      return b;
    }
    if (b.count() == 0) {
      return a;
    }
    long count = a.count() + b.count();
    int c = a.mean().length;
    double[] mean = new double[c];
    double[] squares = new double[c];
    for (int i = 0; i < c; i++) {
      double delta = b.mean()[i] - a.mean()[i];
      mean[i] = a.mean()[i] + delta * b.count() / count;
      squares[i] =
          a.squaredDeviation()[i]
              + b.squaredDeviation()[i]
              + delta * delta * a.count() * b.count() / count;
    }
    return new Moments(count, mean, squares);
  }

  @Override
  public Tensor scaleShift(Tensor x, double[] scale, double[] shift, Activation activation) {
    Nd4jTensor in = memory.own(x);
    Check.channels("scaleShift", in, scale.length);
    Check.channels("scaleShift", in, shift.length);
    Chunks chunks = chunks(in);
    Nd4jTensor out = memory.uninitialized(in.shape());
    A scales = lanes.tiled(scale, chunks.tile());
    A shifts = lanes.tiled(shift, chunks.tile());
    tiles.map(
        chunks,
        in,
        out,
        (values, n) -> lanes.affine(values, n, scales, shifts, activation.negativeSlope()));
    return out;
  }

  @Override
  public BackwardSums normalizationSums(Tensor dy, Tensor x, ScaleShift made, double[] mean) {
    Nd4jTensor gradient = memory.own(dy);
    Nd4jTensor in = memory.own(x);
    Check.shape("normalizationSums: dy", gradient, in.shape());
    Check.channels("normalizationSums", in, mean.length);
    Check.channels("normalizationSums: scale", in, made.scale().length);
    Chunks chunks = chunks(in);
    int c = chunks.channels();
    A scales = lanes.tiled(made.scale(), chunks.tile());
    A shifts = lanes.tiled(made.shift(), chunks.tile());
    double slope = made.activation().negativeSlope();
    A means = lanes.tiled(mean, chunks.tile());
    double[] rest = new double[c];
    for (int i = 0; i < c; i++) {
      rest[i] = lanes.rounded(mean[i]) - mean[i];
    }
    double[][] sums = new double[chunks.parts()][c];
    double[][] products = new double[chunks.parts()][c];
    parallel.run(
        chunks.parts(),
        part -> {
          A dys = lanes.array(chunks.tile());
          A xs = lanes.array(chunks.tile());
          A s1 = lanes.array(chunks.tile());
          A s2 = lanes.array(chunks.tile());
          double[] folded = new double[c];
          chunks.groups(
              part,
              (group, elements) -> {
                chunks.tiles(
                    group,
                    elements,
                    (at, n) -> {
                      lanes.load(gradient, at, dys, n);
                      lanes.load(in, at, xs, n);
                      lanes.products(dys, xs, n, scales, shifts, slope, means, s1, s2);
                    });
                lanes.fold(s1, folded);
                addTo(sums[part], folded);
                lanes.fold(s2, folded);
                addTo(products[part], folded);
              });
        });
    double[] sum = total(sums);
    double[] product = total(products);
    for (int i = 0; i < c; i++) {
      product[i] += rest[i] * sum[i];
    }
    return new BackwardSums(sum, product);
  }

  /** In place: dy's memory becomes the result. */
  @Override
  public Tensor normalizationBackward(
      Tensor dy, Tensor x, ScaleShift made, double[] a, double[] b, double[] c0) {
    Nd4jTensor gradient = memory.own(dy);
    Nd4jTensor in = memory.own(x);
    Check.shape("normalizationBackward: dy", gradient, in.shape());
    Check.channels("normalizationBackward: scale", in, made.scale().length);
    Check.channels("normalizationBackward: a", in, a.length);
    Check.channels("normalizationBackward: b", in, b.length);
    Check.channels("normalizationBackward: c0", in, c0.length);
    Chunks chunks = chunks(in);
    A scales = lanes.tiled(made.scale(), chunks.tile());
    A shifts = lanes.tiled(made.shift(), chunks.tile());
    double slope = made.activation().negativeSlope();
    A as = lanes.tiled(a, chunks.tile());
    A bs = lanes.tiled(b, chunks.tile());
    A cs = lanes.tiled(c0, chunks.tile());
    tiles.map2(
        chunks,
        gradient,
        in,
        gradient,
        (dys, xs, n) -> lanes.combine(dys, xs, n, scales, shifts, slope, as, bs, cs));
    return dy;
  }

  /** In place: dy's memory becomes the result. */
  @Override
  public Tensor activationBackward(Tensor dy, Tensor y, Activation activation) {
    Nd4jTensor gradient = memory.own(dy);
    Nd4jTensor out = memory.own(y);
    Check.shape("activationBackward: dy", gradient, out.shape());
    if (activation.negativeSlope() != 1) {
      tiles.map2(
          Chunks.of(out.elements(), 1),
          gradient,
          out,
          gradient,
          (dys, ys, n) -> lanes.activationBackward(dys, ys, n, activation.negativeSlope()));
    }
    return dy;
  }

  @Override
  public Tensor channelSums(Tensor x) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor out = memory.uninitialized(Shape.of(in.shape().dim(-1)));
    double[] sums = sums(in, chunks(in));
    lanes.write(sums, out, 0, sums.length);
    return out;
  }

  /** Per channel: the sum over M. */
  private double[] sums(Nd4jTensor x, Chunks chunks) {
    double[][] partial = new double[chunks.parts()][chunks.channels()];
    parallel.run(
        chunks.parts(),
        part -> {
          A values = lanes.array(chunks.tile());
          A tile = lanes.array(chunks.tile());
          double[] folded = new double[chunks.channels()];
          chunks.groups(
              part,
              (group, elements) -> {
                chunks.tiles(
                    group,
                    elements,
                    (at, n) -> {
                      lanes.load(x, at, values, n);
                      lanes.add(tile, values, n);
                    });
                lanes.fold(tile, folded);
                addTo(partial[part], folded);
              });
        });
    return total(partial);
  }

  @Override
  public void addBias(Tensor x, Tensor bias) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor added = memory.own(bias);
    Check.channels("addBias", in, Math.toIntExact(added.elements()));
    Chunks chunks = chunks(in);
    double[] shift = new double[chunks.channels()];
    double[] ones = new double[chunks.channels()];
    Arrays.fill(ones, 1);
    lanes.read(added, 0, shift, shift.length);
    A scales = lanes.tiled(ones, chunks.tile());
    A shifts = lanes.tiled(shift, chunks.tile());
    tiles.map(chunks, in, in, (xs, n) -> lanes.affine(xs, n, scales, shifts, 1));
  }

  private static void addTo(double[] sum, double[] x) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += x[i];
    }
  }

  private static double[] total(double[][] partial) {
    double[] sum = new double[partial[0].length];
    for (double[] part : partial) {
      addTo(sum, part);
    }
    return sum;
  }
}
