package io.tandem.worker.data;

import java.util.List;

/** Bytes to floats: {@code (x / 255 - mean) / standardDeviation}, a channel each. Thread-safe. */
final class Normalization {
  private final float[][] tables;

  Normalization(List<Double> mean, List<Double> standardDeviation, int channels) {
    if (mean.size() != channels || standardDeviation.size() != channels) {
      throw new DataException(
          "data.mean has "
              + mean.size()
              + " and data.standardDeviation "
              + standardDeviation.size()
              + " values, but data.channels is "
              + channels
              + "; give one value a channel");
    }
    tables = new float[channels][256];
    for (int c = 0; c < channels; c++) {
      for (int v = 0; v < 256; v++) {
        tables[c][v] = (float) ((v / 255.0 - mean.get(c)) / standardDeviation.get(c));
      }
    }
  }

  /** Writes one picture's values from that offset on. */
  void write(Picture picture, float[] out, int offset) {
    byte[] pixels = picture.pixels();
    for (int i = 0; i < pixels.length; i += tables.length) {
      for (int c = 0; c < tables.length; c++) {
        out[offset + i + c] = tables[c][pixels[i + c] & 0xFF];
      }
    }
  }
}
