package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.PoolingKernels;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.Arrays;
import java.util.function.IntConsumer;

/** Pooling, one image after another (or several at once on several threads). */
final class PoolingLoops implements PoolingKernels {
  private final Nd4jMemory memory;
  private final Lanes<?> lanes;
  private final Parallel parallel;

  PoolingLoops(Nd4jMemory memory, Parallel parallel) {
    this.memory = memory;
    this.lanes = memory.lanes();
    this.parallel = parallel;
  }

  /** Is told of every pair of a real input pixel and an output pixel, by their first channels. */
  private interface Pair {
    void visit(int input, int output);
  }

  /** In row-major order of the outputs, and of each one's inputs. */
  private static void pairs(Shape x, Shape y, Window window, Pair pair) {
    int c = x.dim(3);
    for (int row = 0; row < y.dim(1); row++) {
      for (int column = 0; column < y.dim(2); column++) {
        int top = row * window.strideHeight() - window.padTop();
        int left = column * window.strideWidth() - window.padLeft();
        for (int i = Math.max(0, top); i < Math.min(x.dim(1), top + window.kernelHeight()); i++) {
          for (int j = Math.max(0, left);
              j < Math.min(x.dim(2), left + window.kernelWidth());
              j++) {
            pair.visit((i * x.dim(2) + j) * c, (row * y.dim(2) + column) * c);
          }
        }
      }
    }
  }

  static Shape pooled(String kernel, Shape x, Window window) {
    Check.that(x.rank() == 4, kernel, "needs N H W C", x);
    int height = window.outputHeight(x.dim(1));
    int width = window.outputWidth(x.dim(2));
    Check.that(height > 0 && width > 0, kernel, "the window is larger than the image", x, window);
    return Shape.of(x.dim(0), height, width, x.dim(3));
  }

  private static int image(Shape x) {
    return x.dim(1) * x.dim(2) * x.dim(3);
  }

  private double[] read(Nd4jTensor x, int n) {
    double[] values = new double[image(x.shape())];
    lanes.read(x, (long) n * values.length, values, values.length);
    return values;
  }

  private void write(double[] values, Nd4jTensor x, int n) {
    lanes.write(values, x, (long) n * values.length, values.length);
  }

  private void images(Shape x, IntConsumer body) {
    parallel.run(x.dim(0), body);
  }

  @Override
  public Tensor maxPool(Tensor x, Window window) {
    Nd4jTensor in = memory.own(x);
    Shape shape = pooled("maxPool", in.shape(), window);
    Nd4jTensor out = memory.uninitialized(shape);
    int c = shape.dim(3);
    images(
        shape,
        n -> {
          double[] values = read(in, n);
          double[] largest = new double[image(shape)];
          Arrays.fill(largest, Double.NEGATIVE_INFINITY);
          pairs(
              in.shape(),
              shape,
              window,
              (i, o) -> {
                for (int k = 0; k < c; k++) {
                  largest[o + k] = Math.max(largest[o + k], values[i + k]);
                }
              });
          write(largest, out, n);
        });
    return out;
  }

  @Override
  public Tensor maxPoolBackward(Tensor x, Tensor y, Tensor dy, Window window) {
    Nd4jTensor in = memory.own(x);
    Nd4jTensor pooled = memory.own(y);
    Nd4jTensor gradient = memory.own(dy);
    Shape shape = pooled("maxPoolBackward", in.shape(), window);
    Check.shape("maxPoolBackward: y", pooled, shape);
    Check.shape("maxPoolBackward: dy", gradient, shape);
    Nd4jTensor out = memory.uninitialized(in.shape());
    int c = shape.dim(3);
    images(
        shape,
        n -> {
          double[] values = read(in, n);
          double[] largest = read(pooled, n);
          double[] dys = read(gradient, n);
          boolean[] given = new boolean[dys.length];
          double[] dxs = new double[values.length];
          pairs(
              in.shape(),
              shape,
              window,
              (i, o) -> {
                for (int k = 0; k < c; k++) {
                  if (!given[o + k] && values[i + k] == largest[o + k]) {
                    given[o + k] = true;
                    dxs[i + k] += dys[o + k];
                  }
                }
              });
          write(dxs, out, n);
        });
    return out;
  }

  @Override
  public Tensor sumPool(Tensor x, Window window) {
    Nd4jTensor in = memory.own(x);
    Shape shape = pooled("sumPool", in.shape(), window);
    Nd4jTensor out = memory.uninitialized(shape);
    int c = shape.dim(3);
    images(
        shape,
        n -> {
          double[] values = read(in, n);
          double[] sums = new double[image(shape)];
          pairs(
              in.shape(),
              shape,
              window,
              (i, o) -> {
                for (int k = 0; k < c; k++) {
                  sums[o + k] += values[i + k];
                }
              });
          write(sums, out, n);
        });
    return out;
  }

  @Override
  public Tensor sumPoolBackward(Tensor dy, Window window, Shape xShape) {
    Nd4jTensor gradient = memory.own(dy);
    Shape shape = pooled("sumPoolBackward", xShape, window);
    Check.shape("sumPoolBackward: dy", gradient, shape);
    Nd4jTensor out = memory.uninitialized(xShape);
    int c = shape.dim(3);
    images(
        shape,
        n -> {
          double[] dys = read(gradient, n);
          double[] dxs = new double[image(xShape)];
          pairs(
              xShape,
              shape,
              window,
              (i, o) -> {
                for (int k = 0; k < c; k++) {
                  dxs[i + k] += dys[o + k];
                }
              });
          write(dxs, out, n);
        });
    return out;
  }

  @Override
  public Tensor spatialSums(Tensor x) {
    Nd4jTensor in = memory.own(x);
    Check.rank("spatialSums", in, 4);
    int c = in.shape().dim(3);
    Nd4jTensor out = memory.uninitialized(Shape.of(in.shape().dim(0), c));
    images(
        in.shape(),
        n -> {
          double[] values = read(in, n);
          double[] sums = new double[c];
          for (int base = 0; base < values.length; base += c) {
            for (int k = 0; k < c; k++) {
              sums[k] += values[base + k];
            }
          }
          lanes.write(sums, out, (long) n * c, c);
        });
    return out;
  }

  @Override
  public Tensor spatialBroadcast(Tensor g, int height, int width, double scale) {
    Nd4jTensor in = memory.own(g);
    Check.rank("spatialBroadcast", in, 2);
    int c = in.shape().dim(1);
    Shape shape = Shape.of(in.shape().dim(0), height, width, c);
    Nd4jTensor out = memory.uninitialized(shape);
    images(
        shape,
        n -> {
          double[] values = new double[c];
          lanes.read(in, (long) n * c, values, c);
          double[] image = new double[image(shape)];
          for (int base = 0; base < image.length; base += c) {
            for (int k = 0; k < c; k++) {
              image[base + k] = values[k] * scale;
            }
          }
          write(image, out, n);
        });
    return out;
  }
}
