package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.worker.fabric.Preflight;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.Yaml;

/** {@code compose.yaml} against the program and the files beside it; no engine is asked. */
class ComposeTest {
  private static final Path DIRECTORY = Path.of("").toAbsolutePath();

  private Map<String, Map<String, Object>> services;
  private Map<String, Object> compose;

  @BeforeEach
  void read() throws Exception {
    compose = yaml("compose.yaml");
    services = child(compose, "services");
  }

  /** Reads merge keys and anchors too, as Compose does. */
  private static Map<String, Object> yaml(String file) throws Exception {
    return new Yaml().load(Files.readString(DIRECTORY.resolve(file)));
  }

  @SuppressWarnings("unchecked")
  private static <T> T child(Map<String, Object> parent, String key) {
    T child = (T) parent.get(key);
    assertThat(child).as(key).isNotNull();
    return child;
  }

  private Map<String, Object> environment(String service) {
    return child(services.get(service), "environment");
  }

  private List<String> programs(String command) {
    return services.entrySet().stream()
        .filter(entry -> List.of(command).equals(entry.getValue().get("command")))
        .map(Map.Entry::getKey)
        .toList();
  }

  @Test
  void shouldPinEveryImageButItsOwn() {
    services.forEach(
        (name, service) -> {
          String image = child(service, "image");
          if (programs("coordinator").contains(name) || programs("worker").contains(name)) {
            assertThat(image).isEqualTo("${IMAGE:-tandem:latest}");
          } else {
            assertThat(image).as(name).matches("[a-z0-9/-]+:v?\\d+\\.\\d+(\\.\\d+)?(-[a-z]+)?");
          }
        });
  }

  @Test
  void shouldSetOnlyNamesThatTheProgramKnows() throws Exception {
    for (String command : List.of("coordinator", "worker")) {
      assertThat(programs(command)).isNotEmpty();
      for (String service : programs(command)) {
        Set<String> names = new HashSet<>(environment(service).keySet());
        names.removeIf(name -> !name.startsWith("TANDEM_"));
        assertThat(ChartEnvironmentTest.help(command)).as(service).containsAll(names);
      }
    }
  }

  @Test
  void shouldLetProgramsFindEachOther() throws Exception {
    List<String> targets = new ArrayList<>();
    for (String coordinator : programs("coordinator")) {
      Map<String, Object> environment = environment(coordinator);
      assertThat(environment.get("TANDEM_HOST")).isEqualTo(coordinator);
      Object rest = environment.get("TANDEM_REST_PORT");
      targets.add(coordinator + ":" + rest);
      List<String> published = child(services.get(coordinator), "ports");
      assertThat(published).containsExactly("127.0.0.1:" + rest + ":" + rest);
      for (String worker : programs("worker")) {
        assertThat(environment(worker).get("TANDEM_COORDINATOR"))
            .isEqualTo(coordinator + ":" + environment.get("TANDEM_CONTROL_PORT"));
      }
    }
    for (String worker : programs("worker")) {
      assertThat(environment(worker).get("TANDEM_HOST")).isEqualTo(worker);
      targets.add(worker + ":" + environment(worker).get("TANDEM_METRICS_PORT"));
    }
    String prometheus = Files.readString(DIRECTORY.resolve("compose/prometheus.yaml"));
    List<Map<String, Object>> jobs = child(yaml("compose/prometheus.yaml"), "scrape_configs");
    List<String> scraped = new ArrayList<>();
    for (Map<String, Object> job : jobs) {
      List<Map<String, Object>> groups = child(job, "static_configs");
      for (Map<String, Object> group : groups) {
        scraped.addAll(child(group, "targets"));
        assertThat(ComposeTest.<Object>child(group, "labels"))
            .as("rules tell clusters apart by it")
            .isEqualTo(Map.of("tandem", "compose"));
      }
    }
    assertThat(scraped).containsExactlyInAnyOrderElementsOf(targets);
    assertThat(prometheus).contains("alertmanager:9093");
    assertThat(services)
        .containsKeys("alertmanager", "prometheus", "grafana", "postgres", "objects");
    for (String coordinator : programs("coordinator")) {
      assertThat(environment(coordinator))
          .containsEntry(
              "TANDEM_DATABASE",
              "jdbc:postgresql://postgres:5432/" + environment("postgres").get("POSTGRES_DB"))
          .containsEntry("TANDEM_DATABASE_USER", environment("postgres").get("POSTGRES_USER"))
          .containsEntry(
              "TANDEM_DATABASE_PASSWORD", environment("postgres").get("POSTGRES_PASSWORD"));
    }
  }

  /** Checkpoints, as the program, the store and who makes the bucket must agree on. */
  @Test
  void shouldKeepCheckpointsInTheStore() throws Exception {
    Map<String, Object> store = environment("objects");
    String port = store.get("S3PROXY_ENDPOINT").toString().replaceFirst("http://0.0.0.0:", "");
    List<String> published = child(services.get("objects"), "ports");
    assertThat(published).containsExactly("127.0.0.1:" + port + ":" + port);
    assertThat(store.get("S3PROXY_CREDENTIAL").toString()).startsWith("${S3_SECRET_KEY:?");
    assertThat(store.get("S3PROXY_AUTHORIZATION")).isNotEqualTo("none");
    List<String> programs = new ArrayList<>(programs("coordinator"));
    programs.addAll(programs("worker"));
    for (String program : programs) {
      assertThat(environment(program))
          .containsEntry("AWS_ENDPOINT_URL_S3", "http://objects:" + port)
          .containsEntry("AWS_ACCESS_KEY_ID", store.get("S3PROXY_IDENTITY"))
          .containsEntry("AWS_SECRET_ACCESS_KEY", store.get("S3PROXY_CREDENTIAL"));
    }
    String base = store.get("JCLOUDS_FILESYSTEM_BASEDIR").toString();
    List<String> made = child(services.get("prepare"), "command");
    assertThat(list(services.get("prepare"), "volumes")).contains("objects:" + base);
    assertThat(list(services.get("objects"), "volumes")).containsExactly("objects:" + base);
    for (String worker : programs("worker")) {
      String directory = environment(worker).get("TANDEM_DIRECTORY").toString();
      assertThat(directory).startsWith("s3://");
      String bucket = directory.split("/")[2];
      assertThat(made.get(2))
          .contains("mkdir -p " + base + "/" + bucket + " ")
          .containsPattern(
              "chown " + services.get("objects").get("user") + ".* " + base + "/" + bucket);
    }
    String tag = services.get("objects").get("image").toString().replaceFirst(".*:", "");
    assertThat(Files.readString(Path.of("..", "pom.xml")))
        .as("what S3IT runs against")
        .contains("<s3proxy.version>" + tag + "</s3proxy.version>");
  }

  @Test
  void shouldMountWhatIsThereAndServeThisMachineOnly() {
    Set<String> volumes = new HashSet<>(compose("volumes").keySet());
    services.forEach(
        (name, service) -> {
          for (String mount : list(service, "volumes")) {
            String source = mount.replaceFirst("^(\\$\\{.*?}|[^:]+):.*", "$1");
            if (source.startsWith(".")) {
              assertThat(DIRECTORY.resolve(source).normalize()).as(name).exists();
            } else if (!source.startsWith("$")) {
              assertThat(volumes).as(name).contains(source);
            }
          }
          assertThat(list(service, "ports"))
              .as(name)
              .allMatch(port -> port.startsWith("127.0.0.1:"));
        });
  }

  private Map<String, Object> compose(String key) {
    return child(compose, key);
  }

  private static List<String> list(Map<String, Object> service, String key) {
    return service.containsKey(key) ? child(service, key) : List.of();
  }

  @Test
  void shouldGiveWorkersSharedMemoryAndTimeToDrain() {
    int peers = programs("worker").size() - 1;
    for (String worker : programs("worker")) {
      String size = child(services.get(worker), "shm_size");
      long bytes = Long.parseLong(size.replace("m", "")) << 20;
      // An attempt may begin while the one before it ends.
      assertThat(bytes).isGreaterThan(2 * Preflight.memoryBytes(peers) - Preflight.memoryBytes(0));
      String grace = child(services.get(worker), "stop_grace_period");
      assertThat(Integer.parseInt(grace.replace("s", ""))).isGreaterThan(30);
    }
  }

  @Test
  void shouldRunTheProgramReadOnlyWithoutCapabilities() {
    Stream.of("coordinator", "worker")
        .flatMap(command -> programs(command).stream())
        .map(services::get)
        .forEach(
            service -> {
              assertThat(service.get("read_only")).isEqualTo(true);
              assertThat(service.get("cap_drop")).isEqualTo(List.of("ALL"));
            });
    assertThat(compose.toString().lines().collect(Collectors.joining()))
        .doesNotContain("privileged=true");
  }
}
