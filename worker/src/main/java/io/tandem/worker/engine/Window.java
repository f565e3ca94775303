package io.tandem.worker.engine;

/** How a kernel slides over rows and columns; pads count rows and columns of padding. */
public record Window(
    int kernelHeight,
    int kernelWidth,
    int strideHeight,
    int strideWidth,
    int padTop,
    int padBottom,
    int padLeft,
    int padRight) {
  public Window {
    if (kernelHeight < 1 || kernelWidth < 1 || strideHeight < 1 || strideWidth < 1) {
      throw new IllegalArgumentException("kernel and stride must be at least 1");
    }
    if (padTop < 0 || padBottom < 0 || padLeft < 0 || padRight < 0) {
      throw new IllegalArgumentException("pads must be at least 0");
    }
  }

  /** A square kernel with the same stride and padding in both directions and on all sides. */
  public static Window square(int kernel, int stride, int pad) {
    return new Window(kernel, kernel, stride, stride, pad, pad, pad, pad);
  }

  /** The same with other padding of the columns. */
  public Window withColumnPads(int left, int right) {
    return new Window(
        kernelHeight, kernelWidth, strideHeight, strideWidth, padTop, padBottom, left, right);
  }

  /** Rows of the output for that many rows of input. */
  public int outputHeight(int height) {
    return Math.floorDiv(height + padTop + padBottom - kernelHeight, strideHeight) + 1;
  }

  /** Columns of the output for that many columns of input. */
  public int outputWidth(int width) {
    return Math.floorDiv(width + padLeft + padRight - kernelWidth, strideWidth) + 1;
  }
}
