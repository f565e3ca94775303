package io.tandem.worker.data;

import java.util.Arrays;

/**
 * Pixels with their shape.
 *
 * @param pixels {@code height * width * channels} bytes, channels last
 * @param fill what is outside of the picture, and what cutout leaves
 */
record Picture(byte[] pixels, int height, int width, int channels, byte fill) {
  /** Grey outside. */
  Picture(byte[] pixels, int height, int width, int channels) {
    this(pixels, height, width, channels, (byte) 128);
  }

  int at(int row, int column, int channel) {
    return pixels[(row * width + column) * channels + channel] & 0xFF;
  }

  Picture with(byte[] other) {
    return new Picture(other, height, width, channels, fill);
  }

  /** Mirrored left to right. */
  Picture flipped() {
    byte[] out = new byte[pixels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        System.arraycopy(
            pixels,
            (y * width + x) * channels,
            out,
            (y * width + width - 1 - x) * channels,
            channels);
      }
    }
    return with(out);
  }

  /** Moved by whole pixels, the fill moving in: padding and cropping in one. */
  Picture moved(int rows, int columns) {
    byte[] out = new byte[pixels.length];
    Arrays.fill(out, fill);
    int from = Math.max(0, columns);
    int length = (width - Math.abs(columns)) * channels;
    for (int y = Math.max(0, rows); y < Math.min(height, height + rows) && length > 0; y++) {
      System.arraycopy(
          pixels,
          ((y - rows) * width + from - columns) * channels,
          out,
          (y * width + from) * channels,
          length);
    }
    return with(out);
  }

  /** With a filled square around a centre, cut off at the borders. */
  Picture cutOut(int centreRow, int centreColumn, int side) {
    byte[] out = pixels.clone();
    int top = Math.max(0, centreRow - side / 2);
    int left = Math.max(0, centreColumn - side / 2);
    int bottom = Math.min(height, centreRow - side / 2 + side);
    int right = Math.min(width, centreColumn - side / 2 + side);
    for (int y = top; y < bottom; y++) {
      Arrays.fill(out, (y * width + left) * channels, (y * width + right) * channels, fill);
    }
    return with(out);
  }
}
