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
    workers.register(Register.newBuilder().setWorkerId("w").setSlots(2).build(), null, now, now);
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
    workers.heartbeat("w", List.of(), 12);
    assertThat(free()).isEqualTo(2);
    register(13);
    assertThat(free()).isEqualTo(2);
  }
}
