package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.TestCluster.Worker;
import io.tandem.protocol.job.DataSpec;
import io.tandem.worker.data.PictureGenerator;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that share nothing but an object store: data, checkpoints and models lie there. */
class S3IT {
  private static final String BUCKET = "tandem-it";
  private static final String SECRET = "s3cret-of-the-objects";
  @TempDir Path objects;
  @TempDir Path directory;
  private S3Proxy store;
  private TestCluster cluster;

  @BeforeEach
  void start() throws Exception {
    FilesystemNio2BlobStore blobs = new FilesystemNio2BlobStore(objects.toString());
    Files.createDirectory(objects.resolve(BUCKET)); // as compose.yaml makes it
    // The store's objects are files.
    new PictureGenerator(7, 2, 8, 16, 4, 32)
        .write(objects.resolve(BUCKET).resolve("pictures"), DataSpec.Format.FOLDER, 2);
    store =
        S3Proxy.builder()
            .blobStore(blobs)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, "someone", SECRET)
            .build();
    store.start();
    cluster = new TestCluster(directory);
    cluster.startCoordinator(environment());
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
    store.stop();
  }

  private Map<String, String> environment() {
    return Map.of(
        "AWS_ENDPOINT_URL_S3",
        "http://127.0.0.1:" + store.getPort(),
        "AWS_ACCESS_KEY_ID",
        "someone",
        "AWS_SECRET_ACCESS_KEY",
        SECRET,
        "TANDEM_DIRECTORY",
        "s3://" + BUCKET + "/run/jobs");
  }

  private static String job(int replicas, int shards, int steps) {
    return TestCluster.job(Path.of("PICTURES"), replicas, shards, steps)
        .replace("PICTURES", "s3://" + BUCKET + "/pictures");
  }

  @Test
  void shouldRecoverFromAKillAndHandOutTheModel() throws Exception {
    List<TandemProcess> started =
        List.of(cluster.worker(1, environment()), cluster.worker(1, environment()));
    List<Worker> workers = started.stream().map(TestCluster::registered).toList();
    String id = cluster.submit(job(1, 2, 60));
    cluster.awaitCheckpoint(id, 5);
    workers.get(1).process().kill();
    TestCluster.registered(cluster.worker(1, environment()));
    cluster.awaitState(id, "SUCCEEDED");

    assertThat(cluster.startedAt(id)).hasSizeGreaterThan(1).last().matches(step -> step >= 5);
    Path home = objects.resolve(BUCKET).resolve("run/jobs").resolve(id);
    Path model = home.resolve("student.safetensors");
    assertThat(model).isRegularFile();
    Path copy = directory.resolve("copy.safetensors");
    cluster.client().model(id, copy);
    assertThat(Files.mismatch(copy, model)).isEqualTo(-1);
    JsonNode checkpoints = cluster.client().checkpoints(id).path("checkpoints");
    assertThat(checkpoints).isNotEmpty();
    for (JsonNode checkpoint : checkpoints) {
      assertThat(checkpoint.path("path").asText())
          .startsWith("s3://" + BUCKET + "/run/jobs/" + id + "/checkpoints/step-");
    }
    assertThat(directory.resolve("checkpoints")).doesNotExist();
    Secrets secrets = new Secrets().and("the store's key", SECRET);
    secrets.assertGiven("the store's key", cluster.coordinator(), workers.get(0).process());
    secrets
        .lookBelow(directory)
        .lookBelow(objects)
        .lookAt(cluster.processes())
        .ask(cluster.server(), "", id)
        .assertNoneSeen();
  }

  @Test
  void shouldNotStartAWorkerThatMayNotWrite() throws Exception {
    Map<String, String> wrong = new HashMap<>(environment());
    wrong.put("AWS_SECRET_ACCESS_KEY", "nothing");
    TandemProcess worker = cluster.worker(1, wrong);
    assertThat(worker.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(worker.said())
        .contains("checkpoints cannot be written to s3://" + BUCKET + "/run/jobs")
        .contains("the store answered 403");
  }
}
