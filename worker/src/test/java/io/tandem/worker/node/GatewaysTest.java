package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.ActorSystem;
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
    FakeCoordinator there = new FakeCoordinator(second);
    try (WorkerNode worker = start(at("127.0.0.1", first), at("localhost", second))) {
      accept(there);
      there.close();
      try (FakeCoordinator next = new FakeCoordinator(first)) {
        assertThat(accept(next).getWorkerId()).isEqualTo(worker.workerId());
        worker.close();
      }
    }
  }

  /** It is not told that it is registered where nobody has answered. */
  @Test
  void shouldGoBackToTheOneWhoseAnswerCameLate() throws Exception {
    int first = FakeCoordinator.freePort();
    int second = FakeCoordinator.freePort();
    try (FakeCoordinator slow = new FakeCoordinator(first);
        FakeCoordinator silent = new FakeCoordinator(second);
        WorkerNode worker = start(at("127.0.0.1", first), at("127.0.0.1", second))) {
      Register early = slow.expect(Register.class);
      silent.expect(Register.class);
      slow.tell(answer(early));
      slow.expect(Heartbeat.class);
      worker.close();
    }
  }

  /**
   * The one whose answer came late falls silent: the other is next. Were the silent one tried again
   * first, the worker might be taken for lost before it speaks to the other.
   */
  @Test
  void shouldTurnToTheOtherWhenTheOneWhoseAnswerCameLateFallsSilent() {
    ActorSystem system = ActorSystem.create("gateways");
    try {
      Gateways gateways = new Gateways(system, List.of(at("127.0.0.1", 1), at("127.0.0.1", 2)));
      assertThat(gateways.current()).isEqualTo("127.0.0.1:1");
      gateways.advance();
      assertThat(gateways.current()).isEqualTo("127.0.0.1:2");
      gateways.answered("127.0.0.1:1");
      assertThat(gateways.current()).isEqualTo("127.0.0.1:1");
      gateways.advance();
      assertThat(gateways.current()).isEqualTo("127.0.0.1:2");
      gateways.answered("127.0.0.1:2");
      gateways.advance();
      assertThat(gateways.current()).isEqualTo("127.0.0.1:1");
      gateways.advance();
      assertThat(gateways.current()).isEqualTo("127.0.0.1:2");
    } finally {
      system.terminate();
    }
  }

  private WorkerNode start(InetSocketAddress... coordinators) {
    return WorkerNode.start(
        WorkerSettings.local(List.of(coordinators), 1, "127.0.0.1", directory, 1),
        new FakeStarter());
  }

  /** Answers every registration, as a coordinator does, until the worker knows of it. */
  private static Register accept(FakeCoordinator coordinator) throws InterruptedException {
    Register register = coordinator.expect(Register.class);
    Object next = register;
    while (!(next instanceof Heartbeat)) {
      if (next instanceof Register again) {
        coordinator.tell(answer(again));
      }
      next = coordinator.expect(Object.class);
    }
    return register;
  }

  private static Registered answer(Register register) {
    return Registered.newBuilder()
        .setWorkerId(register.getWorkerId())
        .setHeartbeatMillis(100)
        .setGateway(register.getGateway())
        .build();
  }
}
