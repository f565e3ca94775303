package io.tandem.worker.engine.nd4j;

import java.nio.DoubleBuffer;
import java.util.Arrays;

/** {@link Lanes} of float64. */
final class DoubleLanes implements Lanes<double[]> {
  private static final double HUGE = 1e300;

  private static DoubleBuffer view(Nd4jTensor x) {
    return x.block().doubles();
  }

  private static int at(Nd4jTensor x, long from) {
    return Math.toIntExact(x.offset() + from);
  }

  @Override
  public double[] array(int n) {
    return new double[n];
  }

  @Override
  public void load(Nd4jTensor x, long from, double[] into, int n) {
    view(x).get(at(x, from), into, 0, n);
  }

  @Override
  public void store(double[] values, Nd4jTensor x, long to, int n) {
    view(x).put(at(x, to), values, 0, n);
  }

  @Override
  public void read(Nd4jTensor x, long from, double[] into, int n) {
    load(x, from, into, n);
  }

  @Override
  public void write(double[] values, Nd4jTensor x, long to, int n) {
    store(values, x, to, n);
  }

  @Override
  public void readFloats(Nd4jTensor x, float[] into, int offset) {
    DoubleBuffer values = view(x);
    for (int i = 0; i < x.elements(); i++) {
      into[offset + i] = (float) values.get(at(x, i));
    }
  }

  @Override
  public void writeFloats(float[] values, Nd4jTensor x) {
    DoubleBuffer target = view(x);
    for (int i = 0; i < values.length; i++) {
      target.put(at(x, i), values[i]);
    }
  }

  @Override
  public void fill(Nd4jTensor x, double value) {
    int n = Math.toIntExact(x.elements());
    double[] chunk = new double[Math.min(n, 4096)];
    Arrays.fill(chunk, value);
    for (int i = 0; i < n; i += chunk.length) {
      store(chunk, x, i, Math.min(chunk.length, n - i));
    }
  }

  @Override
  public double rounded(double value) {
    return value;
  }

  @Override
  public double[] tiled(double[] perChannel, int width) {
    double[] tile = new double[width];
    for (int i = 0; i < width; i++) {
      tile[i] = perChannel[i % perChannel.length];
    }
    return tile;
  }

  @Override
  public void fold(double[] tile, double[] into) {
    Arrays.fill(into, 0);
    for (int base = 0; base < tile.length; base += into.length) {
      for (int c = 0; c < into.length; c++) {
        into[c] += tile[base + c];
      }
    }
    Arrays.fill(tile, 0);
  }

  @Override
  public void deviations(double[] x, int n, double[] shift, double[] s1, double[] s2) {
    for (int j = 0; j < n; j++) {
      double d = x[j] - shift[j];
      s1[j] += d;
      s2[j] += d * d;
    }
  }

  @Override
  public void products(
      double[] dy,
      double[] x,
      int n,
      double[] scale,
      double[] shift,
      double negativeSlope,
      double[] mean,
      double[] s1,
      double[] s2) {
    double slope = negativeSlope;
    for (int j = 0; j < n; j++) {
      double dz = dy[j] * derivative(x[j] * scale[j] + shift[j], slope);
      s1[j] += dz;
      s2[j] += dz * (x[j] - mean[j]);
    }
  }

  /** 1 where z > 0 (the two products lift the least number beyond 1), else the slope. */
  private static double derivative(double z, double slope) {
    return Math.max(slope, Math.min(1.0, z * HUGE * HUGE));
  }

  @Override
  public void affine(double[] x, int n, double[] scale, double[] shift, double negativeSlope) {
    double slope = negativeSlope;
    for (int j = 0; j < n; j++) {
      double z = x[j] * scale[j] + shift[j];
      // For slopes in [0, 1] this is the activation, and a maximum is a vector instruction.
      x[j] = Math.max(z, slope * z);
    }
  }

  @Override
  public void combine(
      double[] dy,
      double[] x,
      int n,
      double[] scale,
      double[] shift,
      double negativeSlope,
      double[] a,
      double[] b,
      double[] c) {
    double slope = negativeSlope;
    for (int j = 0; j < n; j++) {
      double dz = dy[j] * derivative(x[j] * scale[j] + shift[j], slope);
      dy[j] = dz * a[j] + x[j] * b[j] + c[j];
    }
  }

  @Override
  public void activationBackward(double[] dy, double[] y, int n, double negativeSlope) {
    double slope = negativeSlope;
    for (int j = 0; j < n; j++) {
      dy[j] *= derivative(y[j], slope);
    }
  }

  @Override
  public void axpy(double[] y, double[] x, int n, double alpha) {
    double factor = alpha;
    for (int i = 0; i < n; i++) {
      y[i] += factor * x[i];
    }
  }

  @Override
  public void average(double[] y, double[] x, int n, double decay) {
    double old = decay;
    double fresh = (1 - decay);
    for (int i = 0; i < n; i++) {
      y[i] = old * y[i] + fresh * x[i];
    }
  }

  @Override
  public void multiply(double[] y, double[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] *= x[i];
    }
  }

  @Override
  public void scale(double[] x, int n, double alpha) {
    double factor = alpha;
    for (int i = 0; i < n; i++) {
      x[i] *= factor;
    }
  }

  @Override
  public void momentum(
      double[] w,
      double[] g,
      double[] v,
      int n,
      double rate,
      double momentum,
      boolean nesterov,
      double decay) {
    double m = momentum;
    double d = decay;
    // w -= rate * (ofGradient * g' + ofVelocity * v)
    double ofGradient = (nesterov ? rate : 0);
    double ofVelocity = (nesterov ? rate * momentum : rate);
    for (int i = 0; i < n; i++) {
      double gradient = g[i] + d * w[i];
      double velocity = m * v[i] + gradient;
      v[i] = velocity;
      w[i] -= ofGradient * gradient + ofVelocity * velocity;
    }
  }

  @Override
  public void add(double[] y, double[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] += x[i];
    }
  }

  @Override
  public double dot(double[] a, double[] b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
