package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.OptimizerKernels;
import io.tandem.worker.engine.PointwiseKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Elementwise kernels and updates, by ND4J over flat arrays into given outputs.
 *
 * @param <A> float[] or double[]
 */
final class PointwiseOps<A> implements PointwiseKernels, OptimizerKernels {
  private static final int CHUNK = 8192;

  private final Nd4jMemory memory;
  private final Lanes<A> lanes;

  PointwiseOps(Nd4jMemory memory, Lanes<A> lanes) {
    this.memory = memory;
    this.lanes = lanes;
  }

  private static INDArray flat(Nd4jTensor x) {
    return x.array(Shape.of(Math.toIntExact(x.elements())));
  }

  @Override
  public Tensor add(Tensor a, Tensor b) {
    Nd4jTensor left = memory.own(a);
    Nd4jTensor right = memory.own(b);
    Check.sameElements("add", left, right);
    Nd4jTensor out = memory.uninitialized(left.shape());
    if (out.elements() > 0) {
      flat(left).addi(flat(right), flat(out));
    }
    return out;
  }

  @Override
  public void addScaled(Tensor y, double alpha, Tensor x) {
    Nd4jTensor target = memory.own(y);
    Nd4jTensor added = memory.own(x);
    Check.sameElements("addScaled", target, added);
    axpy(alpha, added, target);
  }

  private static void axpy(double alpha, Nd4jTensor x, Nd4jTensor y) {
    if (x.elements() > 0) {
      Nd4j.getBlasWrapper().level1().axpy(x.elements(), alpha, flat(x), flat(y));
    }
  }

  @Override
  public void scale(Tensor x, double alpha) {
    Nd4jTensor target = memory.own(x);
    if (target.elements() > 0) {
      flat(target).muli(alpha);
    }
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
    if (out.elements() > 0) {
      flat(left).muli(flat(right), flat(out));
    }
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

  /** Overwrites g with g'. */
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
    if (weightDecay != 0) {
      axpy(weightDecay, weights, gradient);
    }
    scale(v, momentum);
    axpy(1, gradient, velocity);
    if (nesterov) {
      axpy(-rate, gradient, weights);
      axpy(-rate * momentum, velocity, weights);
    } else {
      axpy(-rate, velocity, weights);
    }
  }

  @Override
  public void averageStep(Tensor average, Tensor w, double decay) {
    Nd4jTensor mean = memory.own(average);
    Nd4jTensor weights = memory.own(w);
    Check.sameElements("averageStep", mean, weights);
    scale(average, decay);
    axpy(1 - decay, weights, mean);
  }
}
