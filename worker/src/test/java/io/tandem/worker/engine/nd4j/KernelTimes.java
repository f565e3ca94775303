package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.ChannelKernels.ScaleShift;
import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Memory;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;
import java.util.Arrays;

/** Prints the times of the kernels of a WideResNet-28-2 block, batch 128. Arguments: threads. */
@SuppressWarnings("try")
public final class KernelTimes {
  private KernelTimes() {}

  private static void time(Engine engine, String name, Runnable kernel) {
    double[] millis = new double[15];
    for (int i = -10; i < millis.length; i++) {
      try (Memory.Scope scope = engine.openScope()) {
        long start = System.nanoTime();
        kernel.run();
        if (i >= 0) {
          millis[i] = (System.nanoTime() - start) / 1e6;
        }
      }
    }
    Arrays.sort(millis);
    System.out.printf("%-28s min %8.2f median %8.2f ms%n", name, millis[0], millis[7]);
  }

  /** Runs every kernel 25 times. */
  public static void main(String[] arguments) {
    int threads = arguments.length == 0 ? 2 : Integer.parseInt(arguments[0]);
    try (Engine engine = new Nd4jEngine(DType.FLOAT32, threads)) {
      System.out.println(engine.description());
      for (int[] size : new int[][] {{32, 32}, {16, 64}, {8, 128}}) {
        int c = size[1];
        Shape shape = Shape.of(128, size[0], size[0], c);
        Tensor x = engine.upload(shape, GradientTest.random(shape, 1));
        Tensor dy = engine.upload(shape, GradientTest.random(shape, 2));
        Shape kernel = Shape.of(3, 3, c, c);
        Tensor w = engine.upload(kernel, GradientTest.random(kernel, 3));
        Window window = Window.square(3, 1, 1);
        double[] a = GradientTest.random(Shape.of(c), 4);
        System.out.println(shape);
        time(engine, "convolution", () -> engine.convolution(x, w, window, 1));
        time(engine, "convolutionBackward", () -> engine.convolutionBackward(x, w, dy, window, 1));
        time(engine, "moments", () -> engine.moments(x));
        time(engine, "scaleShift relu", () -> engine.scaleShift(x, a, a, Activation.RELU));
        time(engine, "scaleShift leaky", () -> engine.scaleShift(x, a, a, Activation.leaky(0.1)));
        time(
            engine,
            "activationBackward",
            () -> engine.activationBackward(dy, x, Activation.leaky(0.9999)));
        ScaleShift made = new ScaleShift(a, a, Activation.leaky(0.1));
        time(engine, "normalizationSums", () -> engine.normalizationSums(dy, x, made, a));
        double[] one = new double[c];
        Arrays.fill(one, 1);
        time(
            engine,
            "normalizationBackward",
            () -> engine.normalizationBackward(dy, x, made, one, a, a));
        time(engine, "channelSums", () -> engine.channelSums(x));
        time(engine, "add", () -> engine.add(x, dy));
        time(engine, "addScaled", () -> engine.addScaled(x, 1e-9, dy));
        time(engine, "scale", () -> engine.scale(x, 1));
        time(engine, "spatialSums", () -> engine.spatialSums(x));
        time(engine, "zeros", () -> engine.zeros(shape));
        time(
            engine,
            "pack columns",
            () -> {
              Tensor y = engine.uninitialized(Shape.of(128, size[0], 2, c));
              engine.copyRegion(x, 0, 0, y, 0, 0, size[0], 2);
            });
        x.close();
        dy.close();
      }
    }
  }
}
