package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Refused;
import io.tandem.protocol.control.StartAttempt;
import io.tandem.protocol.job.JobFiles;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Jobs on workers of several pools. */
class PoolsTest extends RunningCoordinator {
  private FakeWorker worker(String id, String pool, int slots) {
    FakeWorker worker = new FakeWorker(server.controlPort(), id, slots);
    worker.send(worker.registration().setPool(pool).build());
    return worker;
  }

  private JsonNode job(String id) throws Exception {
    return json("GET", "/v1/jobs/" + id);
  }

  private void awaitWorkers(int count) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(json("GET", "/v1/workers").get("workers")).hasSize(count));
  }

  @Test
  void shouldTellThePoolOfEachWorkerAndTakeOneThatTellsNoneForTheDefaultOne() throws Exception {
    try (FakeWorker old = worker("a", "", 1);
        FakeWorker gpu = worker("b", "gpu", 1)) {
      awaitWorkers(2);
      assertThat(json("GET", "/v1/workers").get("workers"))
          .extracting(worker -> worker.get("id").asText() + " " + worker.get("pool").asText())
          .containsExactlyInAnyOrder("a default", "b gpu");
      assertThat(submitAndStart(1, "default", old).getMembers(0).getWorkerId()).isEqualTo("a");
      assertThat(submitAndStart(1, "gpu", gpu).getMembers(0).getWorkerId()).isEqualTo("b");
    }
  }

  private StartAttempt submitAndStart(int shards, String pool, FakeWorker on) throws Exception {
    String id = submit(TestJobs.yaml(1, shards, pool));
    StartAttempt start = on.expect(StartAttempt.class);
    assertThat(start.getJobId()).isEqualTo(id);
    assertThat(job(id).get("pool").asText()).isEqualTo(pool);
    assertThat(start.getJob().toStringUtf8())
        .as("a release before pools can read it")
        .doesNotContain("pool\"");
    assertThat(JobFiles.parse(start.getJob().toByteArray()).mesh().shards()).isEqualTo(shards);
    return start;
  }

  @Test
  void shouldRefuseAWorkerWhosePoolHasNoName() throws Exception {
    try (FakeWorker worker = worker("a", "GPU\n", 1)) {
      assertThat(worker.expect(Refused.class).getReason())
          .startsWith("pool: given 'GPU\uFFFD'; allowed: a name that matches");
    }
  }

  @Test
  void shouldWaitForAPoolThatHasNoWorkersYet() throws Exception {
    String id = submit(TestJobs.yaml(1, 2, "gpu"));
    assertThat(job(id).get("missing").asText())
        .isEqualTo("replicas 1 x shards 2 = 2 ranks, but no worker is registered in pool gpu");
    try (FakeWorker other = worker("a", "cpu", 2)) {
      awaitWorkers(1);
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> assertThat(job(id).get("missing").asText()).endsWith("workers are in: cpu"));
      String any = submit(1, 2);
      assertThat(other.expect(StartAttempt.class).getJobId()).isEqualTo(any);
      assertThat(job(any).get("pool").isNull()).isTrue();
      try (FakeWorker gpu = worker("b", "gpu", 2)) {
        assertThat(gpu.expect(StartAttempt.class).getJobId()).isEqualTo(id);
      }
    }
  }

  /** A job that names its pool waits for it, one that does not goes on in another. */
  @Test
  void shouldRecoverInAnotherPoolOnlyWhereNoneIsNamed() throws Exception {
    try (FakeWorker lost = worker("a", "gpu", 2)) {
      awaitWorkers(1);
      String named = submit(TestJobs.yaml(1, 1, "gpu"));
      String any = submit(1, 1);
      for (int i = 0; i < 2; i++) {
        StartAttempt start = lost.expect(StartAttempt.class);
        lost.report(start, started());
        awaitState(start.getJobId(), "RUNNING");
      }
      try (FakeWorker other = worker("b", "cpu", 8)) {
        awaitWorkers(2);
        lost.hang();
        StartAttempt again = other.expect(StartAttempt.class);
        assertThat(again.getJobId()).isEqualTo(any);
        assertThat(again.getAttempt()).isEqualTo(2);
        other.report(again, started());
        awaitState(any, "RUNNING");
        assertThat(job(named).get("state").asText()).isEqualTo("RECOVERING");
        assertThat(job(named).get("missing").asText())
            .contains("no worker is registered in pool gpu");
        try (FakeWorker next = worker("c", "gpu", 1)) {
          StartAttempt moved = next.expect(StartAttempt.class);
          assertThat(moved.getJobId()).isEqualTo(named);
          next.report(moved, started());
          next.report(moved, ended(Outcome.COMPLETED, "/models/named"));
          awaitState(named, "SUCCEEDED");
        }
      }
    }
  }

  @Test
  void shouldKeepThePoolOverARestartAndOnAnotherMesh() throws Exception {
    String id = submit(TestJobs.yaml(1, 1, "gpu"));
    call("POST", "/v1/jobs/" + id + "/pause", "");
    call("POST", "/v1/jobs/" + id + "/resume", "{\"mesh\":{\"replicas\":2,\"shards\":1}}");
    server.close();
    start();
    assertThat(job(id).get("pool").asText()).isEqualTo("gpu");
    assertThat(call("GET", "/v1/jobs/" + id + "/file", "").body()).contains("pool: gpu");
    try (FakeWorker cpu = worker("a", "cpu", 2)) {
      awaitWorkers(1);
      String any = submit(1, 2);
      assertThat(cpu.expect(StartAttempt.class).getJobId()).isEqualTo(any);
      assertThat(job(id).get("missing").asText())
          .startsWith("replicas 2 x shards 1 = 2 ranks, but no worker is registered in pool gpu");
    }
  }
}
