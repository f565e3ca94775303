package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class InProcessFabricTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);

  private final List<Fabric> world = InProcessFabric.world(3, TIMEOUT);

  private static ByteBuffer bytes(int... values) {
    ByteBuffer buffer = ByteBuffer.allocate(values.length);
    for (int value : values) {
      buffer.put((byte) value);
    }
    return buffer.flip();
  }

  @Test
  void shouldMatchByPeerAndTagInTheOrderSent() {
    Fabric zero = world.get(0);
    Fabric one = world.get(1);
    ByteBuffer a = bytes(0);
    ByteBuffer b = bytes(0);
    ByteBuffer c = bytes(0);
    ByteBuffer d = bytes(0);
    zero.send(1, 7, bytes(1));
    zero.send(1, 8, bytes(2));
    zero.send(1, 7, bytes(3));
    world.get(2).send(1, 7, bytes(4));
    one.await(one.receive(2, 7, d));
    one.await(one.receive(0, 8, b));
    one.await(one.receive(0, 7, a));
    one.await(one.receive(0, 7, c));
    assertThat(List.of(a.get(0), b.get(0), c.get(0), d.get(0)))
        .containsExactly((byte) 1, (byte) 2, (byte) 3, (byte) 4);
  }

  @Test
  void shouldCompleteBothEndsWhenTheReceiveCameFirst() {
    ByteBuffer into = ByteBuffer.allocateDirect(6).position(2).limit(5);
    Fabric.Operation receive = world.get(1).receive(0, 0, into);
    assertThat(receive.done()).isFalse();
    Fabric.Operation send = world.get(0).send(1, 0, bytes(9, 1, 2, 3).position(1));
    assertThat(send.done()).isTrue();
    assertThat(receive.done()).isTrue();
    assertThat(into.position()).isEqualTo(2);
    assertThat(into).isEqualTo(bytes(1, 2, 3));
  }

  @Test
  void shouldHandAMessageToASink() {
    ByteBuffer sums = bytes(10, 20, 30);
    Fabric.Operation receive =
        world
            .get(1)
            .receive(
                0,
                0,
                3,
                (at, from, index, count) -> {
                  for (int i = 0; i < count; i++) {
                    sums.put(at + i, (byte) (sums.get(at + i) + from.get(index + i)));
                  }
                });
    world.get(0).send(1, 0, bytes(9, 1, 2, 3).position(1));
    assertThat(receive.done()).isTrue();
    assertThat(sums).isEqualTo(bytes(11, 22, 33));
  }

  @Test
  void shouldNameBothRanksAndWhatWasAwaitedWhenAPeerIsSilent() {
    Fabric one = InProcessFabric.world(3, Duration.ofMillis(50)).get(1);
    Fabric.Operation receive = one.receive(2, 5, bytes(0, 0));
    assertThatThrownBy(() -> one.await(receive))
        .isInstanceOfSatisfying(
            PeerLostException.class,
            lost -> {
              assertThat(lost.rank()).isEqualTo(1);
              assertThat(lost.peer()).isEqualTo(2);
              assertThat(lost.waitedNs()).isGreaterThanOrEqualTo(50_000_000);
            })
        .hasMessageMatching(
            "rank 1 waited 0.\\d s for 2 bytes of tag 5 from rank 2: rank 2 is silent");
  }

  @Test
  void shouldNotTouchABufferAfterItsWaitFailed() {
    List<Fabric> impatient = InProcessFabric.world(2, Duration.ofMillis(20));
    ByteBuffer into = bytes(0);
    Fabric one = impatient.get(1);
    assertThatThrownBy(() -> one.await(one.receive(0, 0, into)))
        .isInstanceOf(PeerLostException.class);
    assertThat(impatient.get(0).send(1, 0, bytes(9)).done()).isFalse();
    assertThat(into.get(0)).isZero();
  }

  @Test
  void shouldEndWaitsAtOnceWhenARankGivesUp() {
    long start = System.nanoTime();
    assertThatThrownBy(
            () ->
                Ranks.run(
                    world,
                    fabric -> {
                      if (fabric.rank() == 2) {
                        fabric.abort("loss is NaN");
                      } else {
                        fabric.await(fabric.receive(1 - fabric.rank(), 0, bytes(0)));
                      }
                      return null;
                    }))
        .isInstanceOf(PeerLostException.class)
        .hasMessageContaining("rank 2 gave up: loss is NaN");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(TIMEOUT.dividedBy(2));
  }

  @Test
  void shouldNotWaitForAPeerThatClosed() {
    Fabric.Operation receive = world.get(0).receive(1, 0, bytes(0));
    world.get(1).close();
    assertThatThrownBy(() -> world.get(0).await(receive))
        .isInstanceOf(PeerLostException.class)
        .hasMessageContaining("rank 1 is gone");
  }

  @Test
  void shouldRefuseSizesThatDiffer() {
    Fabric.Operation receive = world.get(0).receive(1, 3, bytes(0, 0));
    world.get(1).send(0, 3, bytes(0));
    assertThatThrownBy(() -> world.get(0).await(receive))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("rank 1 sent 1 bytes of tag 3 to rank 0, which awaited 2");
  }

  @Test
  void shouldRefuseAPeerThatIsNotThere() {
    assertThatThrownBy(() -> world.get(0).send(3, 0, bytes(0)))
        .hasMessage("rank 0 of 3 has no peer 3");
    assertThatThrownBy(() -> world.get(0).receive(0, 0, bytes(0)))
        .hasMessage("rank 0 of 3 has no peer 0");
  }
}
