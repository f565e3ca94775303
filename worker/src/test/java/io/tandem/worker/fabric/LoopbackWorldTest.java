package io.tandem.worker.fabric;

import io.tandem.worker.collective.CollectiveChecks;
import io.tandem.worker.collective.FabricCommunicator;
import io.tandem.worker.fabric.LoopbackWorld.Transport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LoopbackWorldTest {
  @ParameterizedTest
  @EnumSource(Transport.class)
  void shouldConnectItsRanks(Transport transport) throws InterruptedException {
    try (LoopbackWorld world = LoopbackWorld.open(transport, 3)) {
      CollectiveChecks.checkAll(world.ranks(), 5000, (f, m) -> new FabricCommunicator(f, m, 0));
    }
  }
}
