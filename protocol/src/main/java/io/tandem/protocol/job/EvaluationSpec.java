package io.tandem.protocol.job;

/**
 * When the test images are looked at (always after the last step too).
 *
 * @param every steps between two evaluations; 0 only at the end
 * @param batch images a forward pass, over the whole mesh
 */
public record EvaluationSpec(int every, int batch) {}
