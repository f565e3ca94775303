package io.tandem.worker.train;

/**
 * One step's images on this shard, and what the whole group knows of them.
 *
 * @param step from 0
 * @param labeled labelled images, weak view
 * @param labels of all labelled images of the replica
 * @param weak unlabelled images, weak view; null where the step has no use for them
 * @param strong the same images, strong view; null likewise
 * @param labeledTotal labelled images over the whole mesh
 * @param unlabeledTotal unlabelled images over the whole mesh
 */
record StepBatch(
    long step,
    Rows labeled,
    int[] labels,
    Rows weak,
    Rows strong,
    int labeledTotal,
    int unlabeledTotal) {}
