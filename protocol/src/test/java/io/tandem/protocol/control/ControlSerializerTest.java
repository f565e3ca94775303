package io.tandem.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ActorSystem;
import akka.serialization.SerializationExtension;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import java.io.NotSerializableException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ControlSerializerTest {
  private static ActorSystem system;
  private final ControlSerializer serializer = new ControlSerializer();

  @BeforeAll
  static void start() {
    system = ActorSystem.create("serializer");
  }

  @AfterAll
  static void stop() {
    system.terminate();
  }

  static Stream<Message> messages() {
    return Stream.of(
        Register.newBuilder().setWorkerId("w").setSlots(4).build(),
        Heartbeat.newBuilder().setWorkerId("w").build(),
        Reports.newBuilder()
            .addReports(Report.newBuilder().setSequence(7).setEnded(AttemptEnded.newBuilder()))
            .build(),
        Registered.newBuilder().setWorkerId("w").build(),
        Refused.newBuilder().setReason("because").build(),
        HeartbeatAck.newBuilder().setWorkerId("w").build(),
        Acknowledged.newBuilder().setUpToSequence(9).build(),
        StartAttempt.newBuilder().setJob(ByteString.copyFromUtf8("{}")).build(),
        StopAttempt.newBuilder().setMode(StopMode.CANCEL).build(),
        SubmitJob.newBuilder().setJob("{}").setIdempotencyKey("k").setReplyTo("a").build(),
        JobSubmitted.newBuilder().setJobId("j").setCreated(true).build(),
        ActOnJob.newBuilder().setWish(Wish.RESUME_JOB).setMesh(Remesh.newBuilder()).build(),
        JobActed.newBuilder().setFound(true).setRefusal("because").build(),
        ViewCluster.newBuilder().addJobs("j").build(),
        ClusterView.newBuilder()
            .addWorkers(WorkerView.newBuilder().setId("w"))
            .putMissing("j", "slots")
            .build());
  }

  @ParameterizedTest
  @MethodSource("messages")
  void shouldCarryEveryMessage(Message message) throws Exception {
    assertThat(SerializationExtension.get(system).findSerializerFor(message))
        .isInstanceOf(ControlSerializer.class);
    String manifest = serializer.manifest(message);
    assertThat(serializer.fromBinary(serializer.toBinary(message), manifest)).isEqualTo(message);
  }

  @Test
  void shouldRefuseWhatItDoesNotKnowByName() {
    assertThatThrownBy(() -> serializer.fromBinary(new byte[0], "Mystery"))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("Mystery");
    assertThatThrownBy(() -> serializer.manifest(Report.getDefaultInstance()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Report");
  }

  @Test
  void shouldRefuseTruncatedBytes() {
    byte[] whole = serializer.toBinary(Refused.newBuilder().setReason("because").build());
    assertThatThrownBy(() -> serializer.fromBinary(java.util.Arrays.copyOf(whole, 4), "Refused"))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("Refused");
  }
}
