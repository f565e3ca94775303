package io.tandem.worker.data;

/**
 * Affine maps with bilinear sampling, the picture's fill outside. In Java and in fixed point, so
 * that every machine computes the same bytes.
 */
final class Warp {
  private static final int BITS = 16;
  private static final int ONE = 1 << BITS;

  private Warp() {}

  /** Turned around the centre, counter-clockwise. */
  static Picture rotate(Picture picture, double degrees) {
    double angle = StrictMath.toRadians(degrees);
    double cos = StrictMath.cos(angle);
    double sin = StrictMath.sin(angle);
    double cx = (picture.width() - 1) / 2.0;
    double cy = (picture.height() - 1) / 2.0;
    return affine(picture, cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy);
  }

  /** Rows moved sideways by {@code level} pixels a row, around the centre. */
  static Picture shearX(Picture picture, double level) {
    return affine(picture, 1, level, -level * (picture.height() - 1) / 2.0, 0, 1, 0);
  }

  /** Columns moved up or down by {@code level} pixels a column, around the centre. */
  static Picture shearY(Picture picture, double level) {
    return affine(picture, 1, 0, 0, level, 1, -level * (picture.width() - 1) / 2.0);
  }

  /** Moved by parts of pixels: what stood at {@code x + columns} comes to stand at x. */
  static Picture translate(Picture picture, double rows, double columns) {
    return affine(picture, 1, 0, columns, 0, 1, rows);
  }

  /** out(x, y) = in(a x + b y + c, d x + e y + f). */
  private static Picture affine(
      Picture in, double a, double b, double c, double d, double e, double f) {
    int height = in.height();
    int width = in.width();
    int channels = in.channels();
    byte[] out = new byte[in.pixels().length];
    long stepX = Math.round(a * ONE);
    long stepY = Math.round(d * ONE);
    int at = 0;
    for (int y = 0; y < height; y++) {
      long sourceX = Math.round((b * y + c) * ONE);
      long sourceY = Math.round((e * y + f) * ONE);
      for (int x = 0; x < width; x++, sourceX += stepX, sourceY += stepY) {
        int left = (int) (sourceX >> BITS);
        int top = (int) (sourceY >> BITS);
        // 8 bits of each fraction keep the product within 24 bits.
        int right = (int) (sourceX & (ONE - 1)) >> 8;
        int below = (int) (sourceY & (ONE - 1)) >> 8;
        for (int k = 0; k < channels; k++) {
          int upper = 256 - right;
          int first = pixel(in, top, left, k) * upper + pixel(in, top, left + 1, k) * right;
          int second =
              pixel(in, top + 1, left, k) * upper + pixel(in, top + 1, left + 1, k) * right;
          out[at++] = (byte) ((first * (256 - below) + second * below + (1 << 15)) >> 16);
        }
      }
    }
    return in.with(out);
  }

  private static int pixel(Picture in, int row, int column, int channel) {
    if (row < 0 || column < 0 || row >= in.height() || column >= in.width()) {
      return in.fill() & 0xFF;
    }
    return in.at(row, column, channel);
  }
}
