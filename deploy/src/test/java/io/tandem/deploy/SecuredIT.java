package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.job.DataSpec;
import io.tandem.protocol.tls.TestAuthority;
import io.tandem.worker.data.PictureGenerator;
import io.tandem.worker.node.WorkerNode;
import io.tandem.worker.node.WorkerSettings;
import io.tandem.worker.train.LocalRanks;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import javax.crypto.SecretKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mutual TLS on the control plane and encrypted frames on the data plane, between processes. */
class SecuredIT {
  private static final Duration DAY = Duration.ofDays(1);

  @TempDir Path directory;

  @Test
  void shouldTrainWithAllThatIsGuardedAndLetNoStrangerIn() throws Exception {
    Path pictures = directory.resolve("pictures");
    new PictureGenerator(7, 2, 8, 16, 4, 32).write(pictures, DataSpec.Format.FOLDER, 2);
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    ours.sign("coordinator", "tandem");
    ours.sign("worker", "tandem");
    TestAuthority theirs = new TestAuthority(directory.resolve("theirs"));
    theirs.sign("worker", "tandem");
    Path both =
        Files.writeString(
            directory.resolve("both.crt"),
            Files.readString(ours.file("ca.crt")) + Files.readString(theirs.file("ca.crt")));
    Map<String, String> trusting = new HashMap<>(theirs.controlPlane("worker"));
    trusting.put("TANDEM_CONTROL_AUTHORITY", both.toString());
    String admin = "token-of-an-administrator";
    String viewer = token("anna", "viewer");
    Map<String, String> coordinator = telling(ours.controlPlane("coordinator"));
    coordinator.put("TANDEM_ENCRYPT_FRAMES", "true");
    coordinator.put("TANDEM_TOKEN", admin);
    coordinator.put("TANDEM_TOKENS", directory.resolve("tokens").toString());
    AtomicReference<SecretKey> frames = new AtomicReference<>();
    try (TestCluster cluster = new TestCluster(directory)) {
      cluster.startCoordinator(coordinator);
      cluster.speakAs(admin);
      TandemProcess plain = cluster.worker(1, Map.of());
      TandemProcess stranger = cluster.worker(1, theirs.controlPlane("worker"));
      TandemProcess untrusted = cluster.worker(1, trusting);
      TandemProcess second = cluster.worker(1, telling(ours.controlPlane("worker")));
      TestCluster.registered(second);
      String id;
      try (WorkerNode first = watched(cluster, ours, frames)) {
        id = cluster.submit(TestCluster.job(pictures, 1, 2, 6));
        cluster.awaitState(id, "SUCCEEDED");
        assertThat(cluster.client().workers().path("workers")).hasSize(2);
      }
      String metrics = scrape(second.await("metrics (http\\S+)").group(1));
      assertThat(metrics)
          .containsPattern("tandem_certificate_expiry_timestamp_seconds\\{use=\"control\"} [1-9]")
          .containsPattern("tandem_collective_bytes_total\\{[^}]*} [1-9]")
          .doesNotContainPattern("tandem_frames_dropped_total\\{[^}]*} [1-9]");
      for (TandemProcess refused : List.of(plain, stranger, untrusted)) {
        assertThat(refused.said()).doesNotContain("registered at");
      }
      plain.await("no coordinator has answered at [^ ]+ \\(it speaks TLS, as CN=tandem \\(serial");
      stranger.await(
          "no coordinator has answered at [^ ]+ \\(its certificate is refused here: CN=tandem .*"
              + "is signed by nobody who is trusted here");
      untrusted.await(
          "no coordinator has answered at [^ ]+ \\(it refuses this process's certificate CN=tandem"
              + " .*look at validity, authority, and both clocks");
      cluster
          .coordinator()
          .await(
              "a peer of the control plane is refused: CN=tandem .* is signed by nobody who is"
                  + " trusted here: .*ours/ca.crt");
      TandemClient nobody = new TandemClient(URI.create(cluster.server()), "no-such-token");
      assertThatThrownBy(nobody::workers).isInstanceOf(ClientException.class);
      Secrets secrets =
          new Secrets()
              .and("the administrator's token", admin)
              .and("a viewer's token", viewer)
              .and("a wrong token", "no-such-token")
              .and("the frames' key", frames.get().getEncoded())
              .andKey(ours.file("coordinator.key"))
              .andKey(ours.file("worker.key"));
      secrets.assertGiven("the administrator's token", cluster.coordinator());
      secrets
          .lookBelow(directory)
          .lookAt(cluster.processes())
          .ask(cluster.server(), viewer, id)
          .assertNoneSeen();
    }
  }

  /** With logs that tell as much as they can. */
  private static Map<String, String> telling(Map<String, String> environment) {
    Map<String, String> all = new HashMap<>(environment);
    all.put("JDK_JAVA_OPTIONS", "-Dtandem.log=TRACE");
    return all;
  }

  /** A worker in this JVM, to see the key that the data plane is encrypted with. */
  private WorkerNode watched(
      TestCluster cluster, TestAuthority ours, AtomicReference<SecretKey> frames) {
    return WorkerNode.start(
        WorkerSettings.local(
                List.of(InetSocketAddress.createUnresolved("127.0.0.1", cluster.controlPort())),
                1,
                "127.0.0.1",
                directory.resolve("checkpoints"),
                1)
            .with(
                new PeerCertificates(
                    ours.file("worker.crt"), ours.file("worker.key"), ours.file("ca.crt")),
                Duration.ofSeconds(30)),
        (plan, listener) -> {
          frames.set(plan.frameKey());
          return LocalRanks.start(plan, listener);
        });
  }

  /** Each with the certificate, its validity, and what to do; nothing starts that none believes. */
  @Test
  void shouldNotStartWithACertificateThatNobodyWouldBelieve() throws Exception {
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    ours.sign("old", "tandem", "RSA", DAY.multipliedBy(-2), DAY.negated());
    ours.sign("early", "tandem", "RSA", Duration.ofMinutes(5), DAY);
    Map<String, String> wrong =
        Map.of(
            "old", "expired 1 d 0 h ago by this host's clock (",
            "early", "is not valid for another ");
    try (TestCluster cluster = new TestCluster(directory)) {
      for (String name : wrong.keySet()) {
        for (String command : List.of("coordinator", "worker")) {
          TandemProcess process = cluster.tandem(ours.controlPlane(name), command);
          assertThat(process.exitCode()).isEqualTo(ExitCode.USAGE);
          assertThat(process.said())
              .contains("no coordinator or worker would believe " + ours.file(name + ".crt"))
              .contains("CN=tandem (serial ", wrong.get(name));
        }
      }
    }
  }

  @Test
  void shouldExplainRestsCertificateToServerAndClient() throws Exception {
    TestAuthority ours = new TestAuthority(directory.resolve("ours"));
    TestAuthority theirs = new TestAuthority(directory.resolve("theirs"), "theirs");
    ours.sign("good", "rest");
    ours.sign("old", "rest", "EC", DAY.multipliedBy(-2), DAY.negated());
    ours.sign("early", "rest", "EC", Duration.ofMinutes(5), DAY);
    ours.signWithoutHost("elsewhere", "elsewhere.example");
    try (TestCluster cluster = new TestCluster(directory)) {
      explains(cluster, ours, "old", ours, "expired 1 d 0 h ago by this host's clock", true);
      explains(cluster, ours, "early", ours, "is not valid for another ", true);
      explains(cluster, ours, "good", theirs, "is signed by nobody who is trusted here", false);
      explains(cluster, ours, "elsewhere", ours, " is refused: ", false);
    }
  }

  /** A server shows that pair to a client that believes that authority. */
  private void explains(
      TestCluster cluster,
      TestAuthority ours,
      String pair,
      TestAuthority believed,
      String why,
      boolean serverKnows)
      throws Exception {
    TandemProcess coordinator =
        cluster.tandem(
            Map.of(
                "TANDEM_REST_CERTIFICATE", ours.file(pair + ".crt").toString(),
                "TANDEM_REST_KEY", ours.file(pair + ".key").toString(),
                "TANDEM_STORE", directory.resolve("store-" + pair).toString()),
            "coordinator",
            "--rest-port=0",
            "--control-port=0");
    String server = coordinator.await("coordinator at (https://\\S+:\\d+)").group(1);
    TandemProcess client =
        cluster.tandem(
            Map.of("TANDEM_SERVER", server, "TANDEM_CA", believed.file("ca.crt").toString()),
            "jobs");
    assertThat(client.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
    assertThat(client.said())
        .containsPattern("the coordinator at " + server + " is not believed: CN=.*" + why);
    if (serverKnows) {
      coordinator.await("REST's certificate CN=rest \\(serial .*" + why);
    }
    coordinator.kill();
  }

  @Test
  void shouldServeHttpsToWhoHasATokenAndWriteDownWhoDidWhat() throws Exception {
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
      TandemProcess jobs = cluster.tandem(with(trusting, viewer), "jobs", "--json");
      assertThat(jobs.exitCode()).as(jobs.said()).isZero();
      String id = new ObjectMapper().readTree(jobs.out()).at("/jobs/0/id").asText();
      assertThat(id).isNotEmpty();
      assertThat(coordinator.said())
          .containsPattern("unknown from 127.0.0.1: GET /v1/jobs -> 401")
          .containsPattern("anna from 127.0.0.1: POST /v1/jobs -> 403")
          .containsPattern("ben from 127.0.0.1: POST /v1/jobs -> 201 /v1/jobs/" + id);
      new Secrets()
          .and("a viewer's token", viewer)
          .and("a submitter's token", submitter)
          .andKey(ours.file("rest.key"))
          .lookBelow(directory)
          .lookAt(cluster.processes())
          .assertNoneSeen();
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
