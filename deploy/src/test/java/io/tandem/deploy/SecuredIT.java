package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mutual TLS on the control plane and encrypted frames on the data plane, between processes. */
class SecuredIT {
  @TempDir Path directory;

  @Test
  void shouldTrainWithAllThatIsGuardedAndLetNoStrangerIn() throws Exception {
    assumeTrue(TestAuthority.isPossible(), "TLS is not tried: openssl is not installed");
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    ours.sign("coordinator", "tandem");
    ours.sign("worker", "tandem");
    TestAuthority theirs = new TestAuthority(directory.resolve("theirs"));
    theirs.sign("worker", "tandem");
    Map<String, String> coordinator = new HashMap<>(ours.controlPlane("coordinator"));
    coordinator.put("TANDEM_ENCRYPT_FRAMES", "true");
    try (TestCluster cluster = new TestCluster(directory)) {
      cluster.startCoordinator(coordinator);
      TandemProcess plain = cluster.worker(1, Map.of());
      TandemProcess stranger = cluster.worker(1, theirs.controlPlane("worker"));
      TestCluster.registered(cluster.worker(1, ours.controlPlane("worker")));
      TandemProcess second = cluster.worker(1, ours.controlPlane("worker"));
      TestCluster.registered(second);
      String id = cluster.submit(TestCluster.job(pictures, 1, 2, 6));
      cluster.awaitState(id, "SUCCEEDED");
      String metrics = scrape(second.await("metrics (http\\S+)").group(1));
      assertThat(metrics)
          .containsPattern("tandem_collective_bytes_total\\{[^}]*} [1-9]")
          .doesNotContainPattern("tandem_frames_dropped_total\\{[^}]*} [1-9]");
      assertThat(cluster.client().workers().path("workers")).hasSize(2);
      for (TandemProcess refused : new TandemProcess[] {plain, stranger}) {
        refused.await("no coordinator has answered at");
        assertThat(refused.said()).doesNotContain("registered at");
      }
    }
  }

  private static String scrape(String uri) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(URI.create(uri)).build(), BodyHandlers.ofString())
        .body();
  }
}
