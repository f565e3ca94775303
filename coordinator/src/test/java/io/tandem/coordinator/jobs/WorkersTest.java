package io.tandem.coordinator.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.placement.GangScheduler.WorkerSlots;
import io.tandem.protocol.control.Register;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WorkersTest {
  private final Workers workers = new Workers();

  private void register(long now) {
    register(1, now);
  }

  private void register(long round, long now) {
    Register register = Register.newBuilder().setWorkerId("w").setSlots(2).setRound(round).build();
    workers.register(register, null, now, now);
  }

  private int free() {
    List<WorkerSlots> slots = workers.slots(Map.of());
    assertThat(slots).extracting(WorkerSlots::slots).containsExactly(2);
    return slots.get(0).free();
  }

  @Test
  void shouldPlaceOnAWorkerThatIsNewAtOnce() {
    register(0);
    assertThat(free()).isEqualTo(2);
  }

  @Test
  void shouldPlaceOnAWorkerThatWasLostOnlyOnceItHasHeardThatItIsRegisteredAgain() {
    register(0);
    workers.removeSilent(1);
    assertThat(workers.slots(Map.of())).isEmpty();
    register(10);
    assertThat(free()).isZero();
    register(11); // it has not heard the answer, and says it again
    assertThat(free()).isZero();
    workers.heartbeat("w", 1, List.of(), 12);
    assertThat(free()).isEqualTo(2);
    register(13);
    assertThat(free()).isEqualTo(2);
  }

  @Test
  void shouldNotPlaceAtOnceOnAWorkerThatAnotherLeaderHasLost() {
    register(2, 0);
    assertThat(free()).isZero();
    workers.heartbeat("w", 2, List.of(), 1);
    assertThat(free()).isEqualTo(2);
  }

  @Test
  void shouldNotTakeForHearingWhatAWorkerSaidBeforeItRegisteredAgain() {
    register(1, 0);
    workers.removeSilent(1);
    register(2, 10);
    assertThat(workers.heartbeat("w", 1, List.of(), 11)).as("it came late").isFalse();
    assertThat(free()).isZero();
    assertThat(workers.find("w").orElseThrow().heard).isEqualTo(10);
    assertThat(workers.heartbeat("w", 2, List.of(), 12)).isTrue();
    assertThat(free()).isEqualTo(2);
  }
}
