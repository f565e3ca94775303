package io.tandem.worker.node;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.tandem.protocol.control.MemberMessage;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.control.StopMode;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class AttemptsTest {
  private final Attempts attempts =
      new Attempts(
          WorkerSettings.local(
              List.of(InetSocketAddress.createUnresolved("127.0.0.1", 1)),
              1,
              "127.0.0.1",
              Path.of("/tandem"),
              1),
          "w",
          new FakeStarter(),
          (key, report) -> {});

  private void start() {
    attempts.start(
        StartAttempt.newBuilder()
            .setJobId("j")
            .setAttempt(1)
            .setReplicas(1)
            .setShards(1)
            .addMembers(MemberMessage.newBuilder().setWorkerId("w").setPort(9))
            .setJob(ByteString.copyFromUtf8(WorkerNodeTest.JOB.replace("shards: 2", "shards: 1")))
            .build());
  }

  private static long in(long seconds) {
    return System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  void shouldGiveUpWhenAnAttemptDoesNotEndAsTold() {
    start();
    assertThatCode(() -> attempts.check(in(1000))).doesNotThrowAnyException();
    attempts.stopAll(StopMode.CHECKPOINT_AND_STOP);
    assertThatCode(() -> attempts.check(in(1000))).doesNotThrowAnyException();
    attempts.stopAll(StopMode.ABANDON);
    assertThatCode(() -> attempts.check(in(Attempts.COMPLAIN_SECONDS + 1)))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> attempts.check(in(Attempts.GIVE_UP_SECONDS + 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("j attempt 1, ranks [0]");
    attempts.ended(new AttemptKey("j", 1));
    assertThatCode(() -> attempts.check(in(1000))).doesNotThrowAnyException();
  }
}
