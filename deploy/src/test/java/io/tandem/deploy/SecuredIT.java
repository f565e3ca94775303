package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

  @Test
  void shouldServeHttpsToWhoHasATokenAndWriteDownWhoDidWhat() throws Exception {
    assumeTrue(TestAuthority.isPossible(), "TLS is not tried: openssl is not installed");
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    ours.sign("rest", "localhost");
    String viewer = token("anna", "viewer");
    String submitter = token("ben", "submitter");
    try (TestCluster cluster = new TestCluster(directory)) {
      TandemProcess coordinator =
          cluster.tandem(
              Map.of(
                  "TANDEM_REST_CERTIFICATE", ours.file("rest.crt").toString(),
                  "TANDEM_REST_KEY", ours.file("rest.key").toString(),
                  "TANDEM_TOKENS", directory.resolve("tokens").toString(),
                  "TANDEM_STORE", directory.resolve("store").toString()),
              "coordinator",
              "--rest-port=0",
              "--control-port=0");
      String server = coordinator.await("coordinator at (https://\\S+:\\d+)").group(1);
      Path job =
          Files.writeString(
              directory.resolve("job.yaml"), TestCluster.job(directory.resolve("none"), 1, 2, 6));
      Map<String, String> trusting =
          Map.of("TANDEM_SERVER", server, "TANDEM_CA", ours.file("ca.crt").toString());

      TandemProcess untrusting = cluster.tandem(Map.of("TANDEM_SERVER", server), "jobs");
      assertThat(untrusting.exitCode()).isNotZero();
      assertThat(untrusting.said()).containsIgnoringCase("certif");
      TandemProcess nobody = cluster.tandem(trusting, "jobs");
      assertThat(nobody.exitCode()).isNotZero();
      assertThat(nobody.said()).contains("send 'Authorization: Bearer'");
      assertThat(cluster.tandem(with(trusting, viewer), "jobs").exitCode()).isZero();
      TandemProcess looking = cluster.tandem(with(trusting, viewer), "submit", job.toString());
      assertThat(looking.exitCode()).isNotZero();
      assertThat(looking.said()).contains("anna is a viewer; this takes a submitter");
      TandemProcess submits = cluster.tandem(with(trusting, submitter), "submit", job.toString());
      assertThat(submits.exitCode()).as(submits.said()).isZero();
      assertThat(coordinator.said())
          .containsPattern("unknown from 127.0.0.1: GET /v1/jobs -> 401")
          .containsPattern("anna from 127.0.0.1: POST /v1/jobs -> 403")
          .containsPattern("ben from 127.0.0.1: POST /v1/jobs -> 201")
          .doesNotContain(viewer)
          .doesNotContain(submitter);
    }
  }

  private static Map<String, String> with(Map<String, String> environment, String token) {
    Map<String, String> all = new HashMap<>(environment);
    all.put("TANDEM_TOKEN", token);
    return all;
  }

  /** A new token, which the coordinator's file lets in. */
  private String token(String name, String role) throws Exception {
    try (TandemProcess made =
        TandemProcess.start(directory, "token", "--json", "--name", name, "--role", role)) {
      assertThat(made.exitCode()).as(made.said()).isZero();
      JsonNode said = new ObjectMapper().readTree(made.out());
      Files.writeString(
          directory.resolve("tokens"),
          said.path("line").asText() + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
      return said.path("token").asText();
    }
  }

  private static String scrape(String uri) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(URI.create(uri)).build(), BodyHandlers.ofString())
        .body();
  }
}
