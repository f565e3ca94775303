package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.OptimizerKernels;
import io.tandem.worker.engine.PointwiseKernels;
import io.tandem.worker.engine.Tensor;

/**
 * Elementwise kernels and updates, each one pass. Not by BLAS: OpenBLAS keeps its threads spinning
 * for some 25 ms after each call, on cores that the next kernel needs.
 *
 * @param <A> float[] or double[]
 */
final class PointwiseLoops<A> implements PointwiseKernels, OptimizerKernels {
  private static final int CHUNK = 8192;

  private final Nd4jMemory memory;
  private final Lanes<A> lanes;
  private final Parallel parallel;
  private final Tiles<A> tiles;

  PointwiseLoops(Nd4jMemory memory, Lanes<A> lanes, Parallel parallel) {
    this.memory = memory;
    this.lanes = lanes;
    this.parallel = parallel;
    this.tiles = new Tiles<>(lanes, parallel);
  }

  private static Chunks chunks(Nd4jTensor x) {
    return Chunks.of(x.elements(), 1);
  }

  @Override
  public Tensor add(Tensor a, Tensor b) {
    Nd4jTensor left = memory.own(a);
    Nd4jTensor right = memory.own(b);
    Check.sameElements("add", left, right);
    Nd4jTensor out = memory.uninitialized(left.shape());
    tiles.map2(chunks(left), left, right, out, lanes::add);
    return out;
  }

  @Override
  public void addScaled(Tensor y, double alpha, Tensor x) {
    Nd4jTensor target = memory.own(y);
    Nd4jTensor added = memory.own(x);
    Check.sameElements("addScaled", target, added);
    tiles.map2(chunks(target), target, added, target, (ys, xs, n) -> lanes.axpy(ys, xs, n, alpha));
  }

  @Override
  public void scale(Tensor x, double alpha) {
    Nd4jTensor target = memory.own(x);
    tiles.map(chunks(target), target, target, (xs, n) -> lanes.scale(xs, n, alpha));
  }

  @Override
  public void fill(Tensor x, double value) {
    lanes.fill(memory.own(x), value);
  }

  @Override
  public Tensor multiply(Tensor a, Tensor b) {
    Nd4jTensor left = memory.own(a);
    Nd4jTensor right = memory.own(b);
    Check.sameElements("multiply", left, right);
    Nd4jTensor out = memory.uninitialized(left.shape());
    tiles.map2(chunks(left), left, right, out, lanes::multiply);
    return out;
  }

  @Override
  public double dot(Tensor a, Tensor b) {
    Nd4jTensor left = memory.own(a);
    Nd4jTensor right = memory.own(b);
    Check.sameElements("dot", left, right);
    A as = lanes.array(CHUNK);
    A bs = lanes.array(CHUNK);
    double sum = 0;
    for (long at = 0; at < left.elements(); at += CHUNK) {
      int n = (int) Math.min(CHUNK, left.elements() - at);
      lanes.load(left, at, as, n);
      lanes.load(right, at, bs, n);
      sum += lanes.dot(as, bs, n);
    }
    return sum;
  }

  /** Leaves g as it was. */
  @Override
  public void momentumStep(
      Tensor w,
      Tensor g,
      Tensor v,
      double rate,
      double momentum,
      boolean nesterov,
      double weightDecay) {
    Nd4jTensor weights = memory.own(w);
    Nd4jTensor gradient = memory.own(g);
    Nd4jTensor velocity = memory.own(v);
    Check.sameElements("momentumStep: g", gradient, weights);
    Check.sameElements("momentumStep: v", velocity, weights);
    Chunks chunks = chunks(weights);
    parallel.run(
        chunks.parts(),
        part -> {
          A ws = lanes.array(chunks.tile());
          A gs = lanes.array(chunks.tile());
          A vs = lanes.array(chunks.tile());
          chunks.tiles(
              part,
              (at, n) -> {
                lanes.load(weights, at, ws, n);
                lanes.load(gradient, at, gs, n);
                lanes.load(velocity, at, vs, n);
                lanes.momentum(ws, gs, vs, n, rate, momentum, nesterov, weightDecay);
                lanes.store(ws, weights, at, n);
                lanes.store(vs, velocity, at, n);
              });
        });
  }

  @Override
  public void averageStep(Tensor average, Tensor w, double decay) {
    Nd4jTensor mean = memory.own(average);
    Nd4jTensor weights = memory.own(w);
    Check.sameElements("averageStep", mean, weights);
    tiles.map2(chunks(mean), mean, weights, mean, (ms, ws, n) -> lanes.average(ms, ws, n, decay));
  }
}
