package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.DispatcherSelector;
import io.tandem.coordinator.jobs.ControlPlane;
import io.tandem.coordinator.jobs.Formation;
import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.metrics.CoordinatorMetrics;
import io.tandem.coordinator.rest.RestSecurity;
import io.tandem.coordinator.rest.RestServer;
import io.tandem.coordinator.store.Store;
import io.tandem.protocol.job.JobFiles;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** While every thread of REST's readers waits for a database. */
class BusyReadersTest {
  @TempDir Path directory;

  @Test
  void shouldLiveAndManageJobs() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    try (Store store = Store.open(directory);
        CoordinatorMetrics metrics = new CoordinatorMetrics(Optional.empty());
        ControlPlane plane =
            ControlPlane.start(
                store,
                RunningCoordinator.QUICK,
                "127.0.0.1",
                0,
                new Formation.Alone(),
                Protection.NONE);
        RestServer rest =
            RestServer.start(plane, store, metrics, "127.0.0.1", 0, RestSecurity.of(""))) {
      plane.join();
      Executor readers = plane.system().dispatchers().lookup(DispatcherSelector.blocking());
      for (int i = 0; i < 100; i++) {
        readers.execute(() -> await(goOn));
      }
      try {
        HttpResponse<String> answer =
            HttpClient.newHttpClient()
                .send(
                    HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + rest.port() + "/health/live"))
                        .timeout(Duration.ofSeconds(10))
                        .build(),
                    HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        byte[] job =
            JobFiles.toJson(JobFiles.parse(TestJobs.yaml(1, 1).getBytes(StandardCharsets.UTF_8)));
        assertThat(
                plane
                    .submit(new String(job, StandardCharsets.UTF_8), null)
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS)
                    .getCreated())
            .isTrue();
      } finally {
        goOn.countDown();
      }
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
