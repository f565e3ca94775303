package io.tandem.protocol.job;

/**
 * How long, how large, which optimizer.
 *
 * @param steps of the main phase
 * @param labeledBatch labelled images a step, over the whole mesh
 * @param unlabeledBatch unlabelled images a step, over the whole mesh
 * @param teacher the optimizer of the teacher (or of the only model)
 * @param student the optimizer of the student
 * @param ema decay of the averaged weights that are evaluated, in [0, 1)
 */
public record TrainingSpec(
    int steps,
    int labeledBatch,
    int unlabeledBatch,
    OptimizerSpec teacher,
    OptimizerSpec student,
    double ema) {

  /**
   * Stochastic gradient descent with momentum; linear warm-up, then a cosine to zero.
   *
   * @param learningRate the peak
   * @param warmupSteps of linear growth from 0
   * @param waitSteps at rate 0 before the warm-up (the paper's student waits for its teacher)
   * @param momentum in [0, 1)
   * @param nesterov whether the gradient is taken after the momentum's step
   * @param weightDecay added to the gradients of weights, not of batch norm's
   * @param clipNorm largest global norm of the gradient; 0 switches clipping off
   */
  public record OptimizerSpec(
      double learningRate,
      int warmupSteps,
      int waitSteps,
      double momentum,
      boolean nesterov,
      double weightDecay,
      double clipNorm) {}
}
