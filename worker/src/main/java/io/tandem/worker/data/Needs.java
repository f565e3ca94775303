package io.tandem.worker.data;

import io.tandem.protocol.job.AlgorithmSpec;

/**
 * Which views a step looks at; the others are neither read nor made.
 *
 * @param labeled weak views of the labelled images
 * @param unlabeledWeak weak views of the unlabelled images
 * @param unlabeledStrong their strong views
 */
public record Needs(boolean labeled, boolean unlabeledWeak, boolean unlabeledStrong) {
  /** What a method's main phase looks at. */
  public static Needs of(AlgorithmSpec.Name method) {
    return switch (method) {
      case SUPERVISED -> new Needs(true, false, false);
      case PSEUDO_LABELS -> new Needs(true, true, false);
      case UDA, META_PSEUDO_LABELS -> new Needs(true, true, true);
    };
  }

  boolean unlabeled() {
    return unlabeledWeak || unlabeledStrong;
  }
}
