package io.tandem.worker.train;

import io.tandem.protocol.job.AlgorithmSpec.UdaSpec;
import io.tandem.worker.algorithm.Consistency;
import io.tandem.worker.parallel.ForwardMode;
import io.tandem.worker.parallel.Network;

/** Targets that a model gives itself on the weak view; no gradient flows through them. */
final class TeacherTerms {
  private TeacherTerms() {}

  /** Logits of the unlabelled images' weak view, by the batch's statistics, without dropout. */
  static double[] weakLogits(Network network, StepBatch batch, int k) {
    Rows weak = batch.weak();
    return weak.natural(
        network.forward(weak.images(), weak.split(), ForwardMode.probe(), false).logits(), k);
  }

  /** UDA's targets and mask. */
  static Consistency uda(Network network, UdaSpec uda, StepBatch batch, int k) {
    return Consistency.uda(weakLogits(network, batch, k), k, uda.temperature(), uda.threshold());
  }
}
