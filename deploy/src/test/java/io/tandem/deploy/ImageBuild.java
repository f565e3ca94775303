package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.CopyOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The image built by Jib on a base of Debian packages, and Podman to run it: no registry, and
 * nothing of the machine's own images and settings. All its files are below one directory.
 */
final class ImageBuild implements AutoCloseable {
  static final String NAME = "localhost/tandem:test";

  /** What a base must have: the C and C++ libraries, OpenMP, Java. */
  private static final String PACKAGES =
      "base-files,libc6,zlib1g,libgcc-s1,libstdc++6,libgomp1,tzdata,openjdk-17-jre-headless";

  private static final String PATH = "/usr/lib/jvm/java-17-openjdk-amd64/bin:/usr/bin:/bin";
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private final Path directory;

  ImageBuild(Path directory) throws IOException {
    this.directory = directory;
    Files.writeString(
        directory.resolve("containers.conf"),
        """
        [engine]
        runtime = "runc"
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        [containers]
        default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
        """);
  }

  /** What is missing on this machine, or empty. */
  static List<String> missing() {
    return Stream.of("podman", "runc", "mmdebstrap")
        .filter(
            name ->
                Stream.of(System.getenv("PATH").split(":"))
                    .noneMatch(folder -> Files.isExecutable(Path.of(folder, name))))
        .toList();
  }

  /** Builds the image and loads it into this build's own store. */
  void build() throws Exception {
    Path files = directory.resolve("base.tar");
    run("mmdebstrap", "--variant=extract", "--include=" + PACKAGES, "bookworm", files.toString());
    podman("import", "--change", "ENV PATH=" + PATH, files.toString(), "localhost/base");
    podman("save", "--format", "docker-archive", "-o", base().toString(), "localhost/base");
    podman("load", "-i", packed("first", "UTC", StandardCopyOption.COPY_ATTRIBUTES));
  }

  /**
   * Packs the same classes on the same base once more: later, in another directory and time zone,
   * from files of other times, and with no layer of before but the base's.
   */
  void buildAgain() throws Exception {
    packed("second", "Asia/Tokyo");
  }

  /** The tar of one of the two builds. */
  Path image(String build) {
    return directory.resolve(build + ".tar");
  }

  /** What Jib says of it: the digests of its manifest and of its configuration. */
  String digests(String build) throws IOException {
    return Files.readString(directory.resolve(build + ".json"));
  }

  private Path base() {
    return directory.resolve("base-image.tar");
  }

  private String packed(String build, String zone, CopyOption... options) throws Exception {
    Path copy = copyOfBuild(directory.resolve(build), options);
    run(
        Map.of("TZ", zone),
        copy.resolve("mvnw").toString(),
        "-B",
        "-q",
        "-f",
        copy.toString(),
        "-pl",
        "deploy",
        "-am",
        "-Dmaven.main.skip",
        "-DskipTests",
        "-Dprotobuf.skip",
        "-Dmdep.skip",
        "-Dcyclonedx.skip",
        "package",
        "jib:buildTar",
        "-Dimage=" + NAME,
        "-Dimage.base=tar://" + base(),
        "-Djib.baseImageCache=" + directory.resolve("base-layers"),
        "-Djib.outputPaths.tar=" + image(build),
        "-Djib.outputPaths.imageJson=" + directory.resolve(build + ".json"),
        "-Djib.disableUpdateChecks=true");
    return image(build).toString();
  }

  /**
   * Maven packs again, and would do so under the feet of this JVM, which runs from what it packs.
   */
  private static Path copyOfBuild(Path copy, CopyOption... options) throws IOException {
    for (String file :
        List.of(
            "mvnw",
            ".mvn",
            "pom.xml",
            "protocol/pom.xml",
            "protocol/target/classes",
            "worker/pom.xml",
            "worker/target/classes",
            "coordinator/pom.xml",
            "coordinator/target/classes",
            "deploy/pom.xml",
            "deploy/bin",
            "deploy/target/classes")) {
      try (Stream<Path> all = Files.walk(ROOT.resolve(file))) {
        for (Path one : all.toList()) {
          Path target = copy.resolve(ROOT.relativize(one).toString());
          Files.createDirectories(target.getParent());
          if (!Files.isDirectory(target)) {
            Files.copy(one, target, options);
          }
        }
      }
    }
    return copy;
  }

  /** A command of Podman; what it printed. */
  String podman(String... arguments) throws Exception {
    List<String> command = podman();
    command.addAll(List.of(arguments));
    return run(command.toArray(String[]::new));
  }

  /** A container of the image that runs until its command ends; limited as in a cluster. */
  TandemProcess container(Path shared, String... arguments) throws IOException {
    List<String> command = podman();
    command.addAll(
        List.of(
            "run",
            "--rm",
            "--network=host",
            "--read-only",
            "--read-only-tmpfs=false",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            "--memory=1g",
            "--cpus=1",
            "--shm-size=128m",
            "--volume=/tmp",
            "--volume=" + shared + ":/shared",
            "--env=JDK_JAVA_OPTIONS=-XX:MaxRAMPercentage=40 -XX:TieredStopAtLevel=1",
            NAME));
    command.addAll(List.of(arguments));
    return TandemProcess.start(directory, arguments[0], environment(), command);
  }

  private List<String> podman() {
    return new ArrayList<>(
        List.of(
            "podman",
            "--root=" + directory.resolve("storage"),
            "--runroot=" + directory.resolve("run"),
            "--tmpdir=" + directory.resolve("tmp")));
  }

  private Map<String, String> environment() {
    return Map.of("CONTAINERS_CONF", directory.resolve("containers.conf").toString());
  }

  private String run(String... command) throws Exception {
    return run(Map.of(), command);
  }

  private String run(Map<String, String> more, String... command) throws Exception {
    Path out = Files.createTempFile(directory, "command", ".out");
    Path err = Files.createTempFile(directory, "command", ".err");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment());
    builder.environment().putAll(more);
    builder.environment().putIfAbsent("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    if (!process.waitFor(10, TimeUnit.MINUTES)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new AssertionError(String.join(" ", command) + " takes more than 10 minutes");
    }
    String said = Files.readString(out);
    assertThat(process.exitValue())
        .as(String.join(" ", command) + "\n" + said + Files.readString(err))
        .isZero();
    return said;
  }

  /** Ends its containers and removes its store, which only Podman can. */
  @Override
  public void close() throws Exception {
    podman("rm", "--all", "--force");
    podman("system", "reset", "--force");
  }
}
