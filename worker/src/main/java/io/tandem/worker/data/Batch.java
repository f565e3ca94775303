package io.tandem.worker.data;

import java.util.List;

/**
 * One rank's part of a step. {@code n_l} and {@code n_u} are the images that this rank decoded, in
 * the order of the plan; samples and labels are those of its whole replica. Views that were not
 * asked for are empty arrays. The arrays belong to the caller.
 *
 * @param step which step, from 0
 * @param labeledWeak {@code [n_l, H, W, C]}, normalised
 * @param labels of all of the replica's labelled images
 * @param labeledSamples training images of all of the replica's labelled places, as planned
 * @param unlabeledWeak {@code [n_u, H, W, C]}
 * @param unlabeledStrong {@code [n_u, H, W, C]}; each made from the weak view at the same place
 * @param unlabeledSamples training images of all of the replica's unlabelled places, as planned
 * @param labeledPlaces where this rank's images stand in the global labelled batch
 * @param unlabeledPlaces where this rank's images stand in the global unlabelled batch
 * @param replacements broken images of this rank's part and what was taken for them
 */
public record Batch(
    long step,
    float[] labeledWeak,
    int[] labels,
    long[] labeledSamples,
    float[] unlabeledWeak,
    float[] unlabeledStrong,
    long[] unlabeledSamples,
    Slice labeledPlaces,
    Slice unlabeledPlaces,
    List<Replacement> replacements) {
  public Batch {
    replacements = List.copyOf(replacements);
  }

  /**
   * A broken image. Its replacement has the same label, and its views are keyed by the planned one.
   *
   * @param planned the training image that the plan names
   * @param taken the training image in its place
   */
  public record Replacement(long planned, long taken) {}
}
