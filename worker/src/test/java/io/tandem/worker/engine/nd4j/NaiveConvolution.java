package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import io.tandem.worker.engine.Window;

/** The definition of a convolution, as loops. */
final class NaiveConvolution {
  private NaiveConvolution() {}

  static double[] forward(Engine engine, Tensor x, Tensor w, GradientTest.Convolution c) {
    Window window = c.window();
    Shape in = x.shape();
    int height = window.outputHeight(in.dim(1));
    int width = window.outputWidth(in.dim(2));
    int groupInputs = in.dim(3) / c.groups();
    int groupOutputs = c.outputs() / c.groups();
    double[] xs = engine.download(x);
    double[] ws = engine.download(w);
    double[] ys = new double[in.dim(0) * height * width * c.outputs()];
    for (int o = 0; o < ys.length; o++) {
      int k = o % c.outputs();
      int column = o / c.outputs() % width;
      int row = o / c.outputs() / width % height;
      int n = o / c.outputs() / width / height;
      for (int i = 0; i < window.kernelHeight(); i++) {
        for (int j = 0; j < window.kernelWidth(); j++) {
          int h = row * window.strideHeight() - window.padTop() + i;
          int v = column * window.strideWidth() - window.padLeft() + j;
          if (h < 0 || h >= in.dim(1) || v < 0 || v >= in.dim(2)) {
            continue;
          }
          for (int g = 0; g < groupInputs; g++) {
            int channel = k / groupOutputs * groupInputs + g;
            ys[o] +=
                xs[((n * in.dim(1) + h) * in.dim(2) + v) * in.dim(3) + channel]
                    * ws[((i * window.kernelWidth() + j) * groupInputs + g) * c.outputs() + k];
          }
        }
      }
    }
    return ys;
  }
}
