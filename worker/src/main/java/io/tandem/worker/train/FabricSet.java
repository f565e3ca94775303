package io.tandem.worker.train;

import io.tandem.protocol.mesh.Member;
import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.InProcessFabric;
import java.time.Duration;
import java.util.List;

/** The fabrics of an attempt's local ranks, in the order of their ranks. */
record FabricSet(List<Fabric> fabrics) implements AutoCloseable {
  static FabricSet open(AttemptPlan plan) {
    List<Member> members = plan.roster().members();
    Duration timeout =
        Duration.ofMillis((long) (1000 * plan.job().recovery().peerTimeoutSeconds()));
    if (members.stream().allMatch(m -> m.workerId().equals(plan.workerId()))) {
      return new FabricSet(InProcessFabric.world(members.size(), timeout));
    }
    throw new IllegalStateException(
        "ranks on several workers need the network fabric, which this build lacks");
  }

  @Override
  public void close() {
    fabrics.forEach(Fabric::close);
  }
}
