package io.tandem.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import io.tandem.protocol.fuzz.Bounded;
import io.tandem.protocol.fuzz.Fuzz;
import io.tandem.protocol.fuzz.Hostile;
import java.io.NotSerializableException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Provide;

/** Whatever comes from another actor system becomes one of our messages or is refused. */
class ControlSerializerFuzzTest {
  private static final long LITTLE = 16L << 20;

  private final ControlSerializer serializer = new ControlSerializer();

  @Provide
  Arbitrary<byte[]> bodies() {
    StartAttempt start =
        StartAttempt.newBuilder()
            .setJobId("job-1")
            .setReplicas(2)
            .addMembers(MemberMessage.newBuilder().setRank(1).setHost("h"))
            .build();
    Report progress =
        Report.newBuilder()
            .setProgress(Progress.newBuilder().putValues("loss", 1).putPhaseSeconds("halo", 2))
            .build();
    List<Message> samples =
        List.of(
            start,
            Reports.newBuilder().addReports(progress).build(),
            Register.newBuilder().setWorkerId("w").addRunning(RunningAttempt.newBuilder()).build());
    return Hostile.of(samples.stream().map(Message::toByteArray).toArray(byte[][]::new)).inputs();
  }

  @Provide
  Arbitrary<String> manifests() {
    List<String> known =
        ControlSerializerTest.messages().map(m -> m.getClass().getSimpleName()).toList();
    Hostile wounded = Hostile.of(known, "java.lang.String", "Report", "Message", "\u0000", ".");
    return Arbitraries.randomValue(
        random ->
            random.nextInt(4) > 0
                ? known.get(random.nextInt(known.size()))
                : new String(wounded.next(random), StandardCharsets.UTF_8));
  }

  @Fuzz
  void shouldGiveOneOfOurMessagesOrRefuse(
      @ForAll("bodies") byte[] body, @ForAll("manifests") String manifest) {
    Bounded.run(
        LITTLE,
        () -> {
          Object read;
          try {
            read = serializer.fromBinary(body, manifest);
          } catch (NotSerializableException e) {
            assertThat(e).hasMessageContaining(manifest);
            return;
          }
          assertThat(read.getClass().getSimpleName()).isEqualTo(manifest);
          assertThat(read.getClass().getPackage()).isEqualTo(Register.class.getPackage());
          assertThat(serializer.fromBinary(serializer.toBinary(read), manifest)).isEqualTo(read);
        });
  }
}
