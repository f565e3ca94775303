package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/tandem} in a checkout whose Maven and Java are scripts. */
class LauncherTest {
  @TempDir Path temporary;
  private Path root;

  @BeforeEach
  void prepare() throws IOException {
    root = temporary.resolve("a checkout");
    for (String module : List.of("protocol", "worker", "coordinator", "deploy")) {
      Files.createDirectories(root.resolve(module).resolve("src/main"));
      Files.writeString(root.resolve(module).resolve("pom.xml"), "");
    }
    Files.writeString(root.resolve("pom.xml"), "");
    Files.createDirectories(root.resolve("deploy/bin"));
    for (String file : List.of("tandem", "jvm.options")) {
      Files.copy(Path.of("bin", file), root.resolve("deploy/bin").resolve(file));
    }
    executable(root.resolve("deploy/bin/tandem"), null);
    // Answers for its version, and otherwise prints the class path that it is given.
    executable(
        root.resolve("java/bin/java"),
        """
        case "$1" in
          -XshowSettings*) echo '    java.specification.version = 17' >&2 ;;
          *) while [ "$1" != -cp ]; do shift; done; echo "$2" ;;
        esac
        """);
    executable(root.resolve("java/bin/javac"), "");
    succeedingMaven();
  }

  private void succeedingMaven() throws IOException {
    executable(
        root.resolve("mvnw"),
        """
        echo built >> "$(dirname "$0")/builds"
        mkdir -p deploy/target/lib
        touch deploy/target/lib/some.jar deploy/target/lib/tandem-worker-1.jar
        touch deploy/target/tandem-deploy-1.jar
        """);
  }

  private static void executable(Path file, String script) throws IOException {
    Files.createDirectories(file.getParent());
    if (script != null) {
      Files.writeString(file, "#!/bin/sh\n" + script);
    }
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Process start() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(root.resolve("deploy/bin/tandem").toString(), "--version");
    builder.environment().put("JAVA_HOME", root.resolve("java").toString());
    return builder.redirectErrorStream(true).start();
  }

  private record Result(int exitCode, String output) {}

  private static Result end(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return new Result(process.exitValue(), output);
  }

  private int builds() throws IOException {
    Path builds = root.resolve("builds");
    return Files.exists(builds) ? Files.readAllLines(builds).size() : 0;
  }

  @Test
  void shouldBuildOnceForCallsThatStartTogether() throws Exception {
    Process first = start();
    Process second = start();
    Result one = end(first);
    Result two = end(second);
    assertThat(one.exitCode()).as(one.output()).isZero();
    assertThat(two.exitCode()).as(two.output()).isZero();
    assertThat(end(start()).exitCode()).isZero();
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void shouldBuildChangedSourcesIntoAnotherFolder() throws Exception {
    String before = end(start()).output().lines().reduce((a, b) -> b).orElseThrow();
    Path source = root.resolve("worker/src/main/Changed.java");
    Files.writeString(source, "");
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
    Result after = end(start());
    assertThat(after.exitCode()).isZero();
    assertThat(after.output()).contains("building (worker/src/main/Changed.java)");
    assertThat(after.output().lines()).last().isNotEqualTo(before);
    assertThat(Path.of(before.replace("/*", "")).resolve("some.jar")).exists();
  }

  @Test
  void shouldNotRunWhatAFailedBuildLeft() throws Exception {
    executable(root.resolve("mvnw"), "echo 'a compile error'; exit 1\n");
    for (int call = 0; call < 2; call++) {
      Result failed = end(start());
      assertThat(failed.exitCode()).isEqualTo(1);
      assertThat(failed.output()).contains("a compile error", "the build failed");
    }
    succeedingMaven();
    assertThat(end(start()).exitCode()).isZero();
  }

  @Test
  void shouldRefuseAnOldJava() throws Exception {
    executable(root.resolve("java/bin/java"), "echo '    java.specification.version = 11' >&2\n");
    Result refused = end(start());
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.output()).contains("version 11", "JDK 17");
    assertThat(builds()).isZero();
  }
}
