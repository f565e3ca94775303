package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.regex.Matcher;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The image, built for real, and a cluster of its containers that trains. */
class ImageIT {
  @TempDir static Path directory;
  private static ImageBuild image;

  @BeforeAll
  static void build() throws Exception {
    assumeTrue(
        ImageBuild.missing().isEmpty(),
        () -> "the image is not tried: " + ImageBuild.missing() + " are not installed");
    image = new ImageBuild(directory);
    image.build();
  }

  @AfterAll
  static void remove() throws Exception {
    if (image != null) {
      image.close();
    }
  }

  @Test
  void shouldRunAsNobodyInParticularAndBearTheBuildsTime() throws Exception {
    JsonNode config =
        new ObjectMapper().readTree(image.podman("image", "inspect", ImageBuild.NAME));
    assertThat(config.at("/0/Config/User").asText()).isEqualTo("10001:10001");
    assertThat(config.at("/0/Created").asText()).isEqualTo("2026-01-01T00:00:00Z");
    assertThat(config.at("/0/Config/Entrypoint").toString())
        .contains("@/app/jvm.options", "io.tandem.deploy.Main");
  }

  @Test
  void shouldBeTheSameWhenBuiltAgainElsewhere() throws Exception {
    image.buildAgain();
    assertThat(image.digests("second")).contains("sha256:").isEqualTo(image.digests("first"));
    assertThat(Files.mismatch(image.image("first"), image.image("second")))
        .as("where the two files begin to differ")
        .isEqualTo(-1);
  }

  @Test
  void shouldTrainInContainersWithLimits() throws Exception {
    Path shared = Files.createDirectory(directory.resolve("shared"));
    // The containers' user is not the one that runs this test.
    Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.writeString(
        shared.resolve("job.yaml"), TestCluster.job(Path.of("/shared/pictures"), 2, 1, 6));
    try (TandemProcess pictures =
        image.container(
            shared,
            "pictures",
            "/shared/pictures",
            "--classes=2",
            "--labeled=8",
            "--unlabeled=16",
            "--test=4",
            "--side=32")) {
      assertThat(pictures.exitCode()).as(pictures.said()).isZero();
    }
    try (TandemProcess coordinator =
        image.container(
            shared, "coordinator", "--store=/shared/store", "--rest-port=0", "--control-port=0")) {
      Matcher ports =
          coordinator.await("coordinator at http://[^:]+:(\\d+), workers at [^:]+:(\\d+)");
      try (TandemProcess one = worker(shared, ports.group(2));
          TandemProcess two = worker(shared, ports.group(2))) {
        one.await("registered at");
        two.await("registered at");
        try (TandemProcess submit =
            image.container(
                shared,
                "submit",
                "/shared/job.yaml",
                "--wait",
                "--server=http://127.0.0.1:" + ports.group(1))) {
          assertThat(submit.exitCode()).isZero();
          assertThat(submit.said()).contains("SUCCEEDED");
        } catch (AssertionError e) {
          throw new AssertionError(
              String.join("\n", e.getMessage(), coordinator.said(), one.said(), two.said()), e);
        }
        // The program is process 1 of its container, and must hear the signal as such.
        one.terminate();
        assertThat(one.exitCode()).as(one.said()).isZero();
      }
    }
  }

  private static TandemProcess worker(Path shared, String controlPort) throws Exception {
    return image.container(
        shared,
        "worker",
        "--threads=1",
        "--coordinator=127.0.0.1:" + controlPort,
        "--directory=/shared/checkpoints");
  }
}
