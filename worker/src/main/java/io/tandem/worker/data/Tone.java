package io.tandem.worker.data;

/** Operations on brightness and colour; each returns new pixels. */
final class Tone {
  private Tone() {}

  static Picture invert(Picture in) {
    return mapped(in, value -> 255 - value);
  }

  /** Keeps the upper bits of each value. */
  static Picture posterize(Picture in, int bits) {
    int mask = 0xFF << (8 - bits) & 0xFF;
    return mapped(in, value -> value & mask);
  }

  /** Inverts what is at least the threshold. */
  static Picture solarize(Picture in, int threshold) {
    return mapped(in, value -> value < threshold ? value : 255 - value);
  }

  static Picture brightness(Picture in, double factor) {
    return mapped(in, value -> blend(0, value, factor));
  }

  /** Away from the picture's mean grey. */
  static Picture contrast(Picture in, double factor) {
    long sum = 0;
    for (int i = 0; i < in.pixels().length; i += in.channels()) {
      sum += grey(in, i);
    }
    int mean = (int) Math.round((double) sum * in.channels() / in.pixels().length);
    return mapped(in, value -> blend(mean, value, factor));
  }

  /** Away from each pixel's grey; a picture of one channel stays as it is. */
  static Picture color(Picture in, double factor) {
    if (in.channels() == 1) {
      return in;
    }
    byte[] out = new byte[in.pixels().length];
    for (int i = 0; i < out.length; i += in.channels()) {
      int grey = grey(in, i);
      for (int c = 0; c < in.channels(); c++) {
        out[i + c] = (byte) blend(grey, in.pixels()[i + c] & 0xFF, factor);
      }
    }
    return in.with(out);
  }

  /** Away from a smoothed picture (3x3, centre 5, sum 13); the border stays. */
  static Picture sharpness(Picture in, double factor) {
    byte[] out = in.pixels().clone();
    for (int y = 1; y < in.height() - 1; y++) {
      for (int x = 1; x < in.width() - 1; x++) {
        for (int c = 0; c < in.channels(); c++) {
          int value = in.at(y, x, c);
          int sum = 4 * value;
          for (int dy = -1; dy <= 1; dy++) {
            sum += in.at(y + dy, x - 1, c) + in.at(y + dy, x, c) + in.at(y + dy, x + 1, c);
          }
          out[(y * in.width() + x) * in.channels() + c] =
              (byte) blend((sum + 6) / 13, value, factor);
        }
      }
    }
    return in.with(out);
  }

  /** Stretches each channel to 0..255. */
  static Picture autoContrast(Picture in) {
    int[][] tables = new int[in.channels()][];
    for (int c = 0; c < tables.length; c++) {
      int[] histogram = histogram(in, c);
      int low = 0;
      int high = 255;
      while (histogram[low] == 0) {
        low++;
      }
      while (histogram[high] == 0) {
        high--;
      }
      tables[c] = new int[256];
      for (int v = 0; v < 256; v++) {
        tables[c][v] = low == high ? v : clamp(Math.round((v - low) * 255f / (high - low)));
      }
    }
    return mapped(in, tables);
  }

  /** Flattens each channel's histogram, as the Python Imaging Library does. */
  static Picture equalize(Picture in) {
    int[][] tables = new int[in.channels()][];
    for (int c = 0; c < tables.length; c++) {
      int[] histogram = histogram(in, c);
      int last = 255;
      while (histogram[last] == 0) {
        last--;
      }
      int step = (in.height() * in.width() - histogram[last]) / 255;
      tables[c] = new int[256];
      int sum = step / 2;
      for (int v = 0; v < 256; v++) {
        tables[c][v] = step == 0 ? v : clamp(sum / step);
        sum += histogram[v];
      }
    }
    return mapped(in, tables);
  }

  private static int[] histogram(Picture in, int channel) {
    int[] histogram = new int[256];
    for (int i = channel; i < in.pixels().length; i += in.channels()) {
      histogram[in.pixels()[i] & 0xFF]++;
    }
    return histogram;
  }

  private static Picture mapped(Picture in, java.util.function.IntUnaryOperator map) {
    int[] table = java.util.stream.IntStream.range(0, 256).map(map).toArray();
    int[][] tables = new int[in.channels()][];
    java.util.Arrays.fill(tables, table);
    return mapped(in, tables);
  }

  private static Picture mapped(Picture in, int[][] tables) {
    byte[] out = new byte[in.pixels().length];
    for (int i = 0; i < out.length; i += in.channels()) {
      for (int c = 0; c < in.channels(); c++) {
        out[i + c] = (byte) tables[c][in.pixels()[i + c] & 0xFF];
      }
    }
    return in.with(out);
  }

  /** ITU-R 601 luma of the pixel whose first byte has that index. */
  private static int grey(Picture in, int index) {
    byte[] p = in.pixels();
    if (in.channels() == 1) {
      return p[index] & 0xFF;
    }
    return ((p[index] & 0xFF) * 299 + (p[index + 1] & 0xFF) * 587 + (p[index + 2] & 0xFF) * 114)
        / 1000;
  }

  private static int blend(int from, int to, double factor) {
    return clamp((int) Math.round(from + factor * (to - from)));
  }

  private static int clamp(int value) {
    return Math.max(0, Math.min(255, value));
  }
}
