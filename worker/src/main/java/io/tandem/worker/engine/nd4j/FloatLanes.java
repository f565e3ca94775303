package io.tandem.worker.engine.nd4j;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** {@link Lanes} of float32. */
final class FloatLanes implements Lanes<float[]> {
  private static final float HUGE = 1e38f;

  private static FloatBuffer view(Nd4jTensor x) {
    return x.block().floats();
  }

  private static int at(Nd4jTensor x, long from) {
    return Math.toIntExact(x.offset() + from);
  }

  @Override
  public float[] array(int n) {
    return new float[n];
  }

  @Override
  public void load(Nd4jTensor x, long from, float[] into, int n) {
    view(x).get(at(x, from), into, 0, n);
  }

  @Override
  public void store(float[] values, Nd4jTensor x, long to, int n) {
    view(x).put(at(x, to), values, 0, n);
  }

  @Override
  public void read(Nd4jTensor x, long from, double[] into, int n) {
    float[] values = new float[n];
    load(x, from, values, n);
    for (int i = 0; i < n; i++) {
      into[i] = values[i];
    }
  }

  @Override
  public void write(double[] values, Nd4jTensor x, long to, int n) {
    float[] converted = new float[n];
    for (int i = 0; i < n; i++) {
      converted[i] = (float) values[i];
    }
    store(converted, x, to, n);
  }

  @Override
  public void readFloats(Nd4jTensor x, float[] into, int offset) {
    view(x).get(at(x, 0), into, offset, Math.toIntExact(x.elements()));
  }

  @Override
  public void writeFloats(float[] values, Nd4jTensor x) {
    store(values, x, 0, values.length);
  }

  @Override
  public void fill(Nd4jTensor x, double value) {
    int n = Math.toIntExact(x.elements());
    float[] chunk = new float[Math.min(n, 4096)];
    Arrays.fill(chunk, (float) value);
    for (int i = 0; i < n; i += chunk.length) {
      store(chunk, x, i, Math.min(chunk.length, n - i));
    }
  }

  @Override
  public double rounded(double value) {
    return (float) value;
  }

  @Override
  public float[] tiled(double[] perChannel, int width) {
    float[] tile = new float[width];
    for (int i = 0; i < width; i++) {
      tile[i] = (float) perChannel[i % perChannel.length];
    }
    return tile;
  }

  @Override
  public void fold(float[] tile, double[] into) {
    Arrays.fill(into, 0);
    for (int base = 0; base < tile.length; base += into.length) {
      for (int c = 0; c < into.length; c++) {
        into[c] += tile[base + c];
      }
    }
    Arrays.fill(tile, 0);
  }

  @Override
  public void deviations(float[] x, int n, float[] shift, float[] s1, float[] s2) {
    for (int j = 0; j < n; j++) {
      float d = x[j] - shift[j];
      s1[j] += d;
      s2[j] += d * d;
    }
  }

  @Override
  public void products(
      float[] dy,
      float[] x,
      int n,
      float[] scale,
      float[] shift,
      double negativeSlope,
      float[] mean,
      float[] s1,
      float[] s2) {
    float slope = (float) negativeSlope;
    for (int j = 0; j < n; j++) {
      float dz = dy[j] * derivative(x[j] * scale[j] + shift[j], slope);
      s1[j] += dz;
      s2[j] += dz * (x[j] - mean[j]);
    }
  }

  /** 1 where z > 0 (the two products lift the least number beyond 1), else the slope. */
  private static float derivative(float z, float slope) {
    return Math.max(slope, Math.min(1f, z * HUGE * HUGE));
  }

  @Override
  public void affine(float[] x, int n, float[] scale, float[] shift, double negativeSlope) {
    float slope = (float) negativeSlope;
    for (int j = 0; j < n; j++) {
      float z = x[j] * scale[j] + shift[j];
      // For slopes in [0, 1] this is the activation, and a maximum is a vector instruction.
      x[j] = Math.max(z, slope * z);
    }
  }

  @Override
  public void combine(
      float[] dy,
      float[] x,
      int n,
      float[] scale,
      float[] shift,
      double negativeSlope,
      float[] a,
      float[] b,
      float[] c) {
    float slope = (float) negativeSlope;
    for (int j = 0; j < n; j++) {
      float dz = dy[j] * derivative(x[j] * scale[j] + shift[j], slope);
      dy[j] = dz * a[j] + x[j] * b[j] + c[j];
    }
  }

  @Override
  public void activationBackward(float[] dy, float[] y, int n, double negativeSlope) {
    float slope = (float) negativeSlope;
    for (int j = 0; j < n; j++) {
      dy[j] *= derivative(y[j], slope);
    }
  }

  @Override
  public void axpy(float[] y, float[] x, int n, double alpha) {
    float factor = (float) alpha;
    for (int i = 0; i < n; i++) {
      y[i] += factor * x[i];
    }
  }

  @Override
  public void average(float[] y, float[] x, int n, double decay) {
    float old = (float) decay;
    float fresh = (float) (1 - decay);
    for (int i = 0; i < n; i++) {
      y[i] = old * y[i] + fresh * x[i];
    }
  }

  @Override
  public void multiply(float[] y, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] *= x[i];
    }
  }

  @Override
  public void scale(float[] x, int n, double alpha) {
    float factor = (float) alpha;
    for (int i = 0; i < n; i++) {
      x[i] *= factor;
    }
  }

  @Override
  public void momentum(
      float[] w,
      float[] g,
      float[] v,
      int n,
      double rate,
      double momentum,
      boolean nesterov,
      double decay) {
    float m = (float) momentum;
    float d = (float) decay;
    // w -= rate * (ofGradient * g' + ofVelocity * v)
    float ofGradient = (float) (nesterov ? rate : 0);
    float ofVelocity = (float) (nesterov ? rate * momentum : rate);
    for (int i = 0; i < n; i++) {
      float gradient = g[i] + d * w[i];
      float velocity = m * v[i] + gradient;
      v[i] = velocity;
      w[i] -= ofGradient * gradient + ofVelocity * velocity;
    }
  }

  @Override
  public void add(float[] y, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] += x[i];
    }
  }

  @Override
  public double dot(float[] a, float[] b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
