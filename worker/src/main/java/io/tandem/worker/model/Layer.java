package io.tandem.worker.model;

import io.tandem.worker.engine.Activation;
import io.tandem.worker.engine.Window;
import java.util.List;

/** What a network is made of: plain maths, no word of parallelism. */
public sealed interface Layer {
  /** Convolution without bias. */
  record Convolution(String name, int in, int out, Window window, int groups) implements Layer {}

  /** Batch normalisation and the activation behind it. */
  record BatchNorm(String name, int channels, Activation activation) implements Layer {}

  /**
   * {@code h = before(x); body(h) + shortcut(project ? h : x)}; an empty shortcut is the identity.
   */
  record Residual(List<Layer> before, List<Layer> body, List<Layer> shortcut, boolean project)
      implements Layer {}

  /** Mean over rows and columns. */
  record GlobalMean() implements Layer {}

  /** Rows, columns and channels become features. */
  record Flatten() implements Layer {}

  /** Zeroes features with this probability in training and scales the others up. */
  record Dropout(double rate) implements Layer {}

  /** Matrix product with bias and the activation behind it. */
  record Dense(String name, int in, int out, Activation activation) implements Layer {}
}
