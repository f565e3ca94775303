package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong inside this worker's own use of Aeron. */
class AeronClientTest {
  private static Set<String> directories() throws IOException {
    String mine = "tandem-" + DriverDirectories.PROCESS.substring(0, 8);
    try (Stream<Path> all = Files.list(DriverDirectories.parent())) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith(mine))
          .collect(Collectors.toSet());
    }
  }

  /** Aeron does so by itself where a process stands still for 10 s. */
  @Test
  void shouldGiveEverythingBackWhenAeronHasEndedTheClient() throws IOException {
    Set<String> before = directories();
    try (Workers world = Workers.open(2, 1, false)) {
      assertThat(directories()).hasSizeGreaterThan(before.size());
      ByteBuffer sent = ByteBuffer.allocate(64);
      Fabric.Operation receive = world.rank(1).receive(0, 3, ByteBuffer.allocate(64));
      world.rank(0).await(world.rank(0).send(1, 3, sent));
      world.rank(1).await(receive);
      Fabrics held = world.workers.get(0);
      held.transport.endpoint.aeron.close();
      assertThat(held.counters().bytesSent()).isEqualTo(64);
      assertThatThrownBy(() -> world.rank(0).await(world.rank(0).send(1, 3, sent)))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("the data plane of worker w0 failed");
    }
    assertThat(directories()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldEndTheDataPlaneWhereAFrameCannotBeTaken(boolean shareDriver) {
    Fabric.Sink broken =
        (at, from, fromIndex, count) -> {
          throw new ArithmeticException("a sum that fails");
        };
    try (Workers world = Workers.open(2, 1, shareDriver)) {
      Fabric.Operation receive = world.rank(1).receive(0, 3, 64, broken);
      world.rank(0).await(world.rank(0).send(1, 3, ByteBuffer.allocate(64)));
      assertThatThrownBy(() -> world.rank(1).await(receive))
          .isInstanceOf(PeerLostException.class)
          .hasMessageContaining("the data plane of worker w1 failed")
          .hasMessageContaining("a sum that fails");
    }
  }
}
