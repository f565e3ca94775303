package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.protocol.control.Heartbeat;
import io.tandem.protocol.control.Register;
import io.tandem.protocol.control.Registered;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several coordinators, and names of them. */
class GatewaysTest {
  @TempDir Path directory;

  private static InetSocketAddress at(String host, int port) {
    return InetSocketAddress.createUnresolved(host, port);
  }

  @Test
  void shouldTryNamesAsWrittenAndThenAsEachOfTheirAddresses() {
    assertThat(Gateways.candidates(List.of(at("localhost", 1), at("127.0.0.1", 2))))
        .startsWith(at("localhost", 1), at("127.0.0.1", 2))
        .contains(at("127.0.0.1", 1))
        .doesNotHaveDuplicates();
    assertThat(Gateways.candidates(List.of(at("no.such.host.invalid", 1))))
        .containsExactly(at("no.such.host.invalid", 1));
  }

  /** The second listens to its address alone, so that its name is in vain. */
  @Test
  void shouldGoOnToWhicheverCoordinatorAnswers() throws Exception {
    int first = FakeCoordinator.freePort();
    int second = FakeCoordinator.freePort();
    WorkerSettings settings =
        WorkerSettings.local(
            List.of(at("127.0.0.1", first), at("localhost", second)), 1, "127.0.0.1", directory, 1);
    FakeStarter starter = new FakeStarter();
    FakeCoordinator there = new FakeCoordinator(second);
    try (WorkerNode worker = WorkerNode.start(settings, starter)) {
      there.expect(Register.class);
      accept(there, worker);
      there.expect(Heartbeat.class);
      there.close();
      try (FakeCoordinator next = new FakeCoordinator(first)) {
        assertThat(next.expect(Register.class).getWorkerId()).isEqualTo(worker.workerId());
        accept(next, worker);
        next.expect(Heartbeat.class);
        worker.close();
      }
    }
  }

  private static void accept(FakeCoordinator coordinator, WorkerNode worker) {
    coordinator.tell(
        Registered.newBuilder().setWorkerId(worker.workerId()).setHeartbeatMillis(100).build());
  }
}
