package io.tandem.worker.train;

import io.tandem.protocol.control.Opinion;
import io.tandem.worker.algorithm.Logits;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What one model says of a few test images, picked out while all of them are evaluated. */
final class Opinions {
  private final Set<Integer> asked;
  private final Map<Integer, Opinion> said = new HashMap<>();

  /** {@code asked} are places among the evaluated test images. */
  Opinions(Set<Integer> asked) {
    this.asked = asked;
  }

  /** Logits, N rows of K classes, of the images from that place on. */
  void hear(int from, double[] logits, int k) {
    for (int place : asked) {
      int row = (place - from) * k;
      if (row >= 0 && row < logits.length) {
        double[] p = Logits.softmax(Arrays.copyOfRange(logits, row, row + k), k, 1);
        int best = Logits.argmax(p, k)[0];
        said.put(place, Opinion.newBuilder().setLabel(best).setProbability(p[best]).build());
      }
    }
  }

  /** Of an image that was asked for, once it was evaluated. */
  Opinion of(int place) {
    Opinion opinion = said.get(place);
    if (opinion == null) {
      throw new IllegalStateException("test image " + place + " was not evaluated on this rank");
    }
    return opinion;
  }
}
