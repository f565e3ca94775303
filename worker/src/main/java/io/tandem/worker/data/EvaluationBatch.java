package io.tandem.worker.data;

/**
 * One rank's part of some test images, not augmented.
 *
 * @param images {@code [n, H, W, C]}, normalised; n is the size of {@code places}
 * @param labels of all of the replica's images
 * @param replicaPlaces the replica's images among the evaluated test images
 * @param places this rank's images among the evaluated test images
 */
public record EvaluationBatch(float[] images, int[] labels, Slice replicaPlaces, Slice places) {}
