package io.tandem.worker.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.frame.Frame;
import io.tandem.worker.collective.CollectiveChecks;
import io.tandem.worker.collective.FabricCommunicator;
import java.nio.ByteBuffer;
import java.time.Duration;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The data plane with encrypted frames. */
class EncryptedFabricTest {
  private static SecretKey key(int of) {
    byte[] bytes = new byte[32];
    bytes[0] = (byte) of;
    return new SecretKeySpec(bytes, "AES");
  }

  private static Workers open(boolean shareDriver) {
    return Workers.open(2, 2, shareDriver, s -> s.withFrameKey(key(1)), context -> {});
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldGiveTheClosedFormAnswers(boolean shareDriver) {
    try (Workers world = open(shareDriver)) {
      for (int count : new int[] {0, 1, 97, 9973, 500_003}) {
        CollectiveChecks.checkAll(world.ranks(), count, (f, m) -> new FabricCommunicator(f, m, 0));
      }
      assertThat(world.workers.get(0).counters().unauthentic()).isZero();
    }
  }

  @Test
  void shouldDropAndCountWhatAStrangerSendsAndGoOn() {
    try (Workers world = open(false);
        RawSender raw = RawSender.toFirst(world)) {
      Fabrics target = world.workers.get(0);
      int length = Frame.HEADER_LENGTH + 4;
      ByteBuffer bytes = ByteBuffer.allocateDirect(length + FrameCipher.OVERHEAD);
      Frame frame = new Frame().wrap(bytes, 0, length);
      int job = world.roster.jobId().hashCode();
      frame.begin(Frame.Kind.DATA, job, 3, 2).piece(0, 9, 0, 0, 4).seal();
      raw.offer(bytes, bytes.capacity());
      awaitUnauthentic(target, 1);

      raw.offer(bytes, length);
      Awaitility.await().atMost(Workers.DEADLINE).until(() -> target.counters().truncated() == 1);

      frame.begin(Frame.Kind.ABORT, job, 3, 2);
      new FrameCipher(key(2), 2, 0).seal(bytes);
      raw.offer(bytes, bytes.capacity());
      awaitUnauthentic(target, 2);

      // The peer's first frame, its hello, was number 0.
      frame.begin(Frame.Kind.ABORT, job, 3, 2);
      new FrameCipher(key(1), 2, 0).seal(bytes);
      raw.offer(bytes, bytes.capacity());
      awaitUnauthentic(target, 3);

      CollectiveChecks.checkAll(world.ranks(), 97, (f, m) -> new FabricCommunicator(f, m, 0));
    }
  }

  private static void awaitUnauthentic(Fabrics target, long count) {
    Awaitility.await()
        .atMost(Workers.DEADLINE)
        .until(() -> target.counters().unauthentic() == count);
  }

  @Test
  void shouldNotConnectWithoutTheSameKey() {
    int[] next = {0};
    assertThatThrownBy(
            () ->
                Workers.open(
                    2,
                    1,
                    false,
                    s ->
                        s.withFrameKey(next[0]++ == 0 ? key(1) : null)
                            .withTimeouts(Duration.ofSeconds(2), s.silence(), s.timeout()),
                    context -> {}))
        .hasRootCauseInstanceOf(PeerLostException.class)
        .rootCause()
        .hasMessageContaining("for the hello of");
  }
}
