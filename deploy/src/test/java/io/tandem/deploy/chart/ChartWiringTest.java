package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.chart.Manifests.Port;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Manifests against each other: selectors, ports, volumes, secrets, names. */
class ChartWiringTest {
  static final List<String> VALUE_SETS = Chart.VALUE_SETS;

  @TempDir Path directory;
  private Chart chart;

  @BeforeEach
  void copy() {
    chart = Chart.withoutHooks(directory);
  }

  private Manifests render(String valueSet) {
    return new Manifests(chart.render(valueSet));
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldSelectPodsThatAreThere(String valueSet) {
    Manifests manifests = render(valueSet);
    for (JsonNode set : manifests.ofKind("StatefulSet")) {
      Map<String, String> selector =
          Manifests.texts(set.path("spec").path("selector").path("matchLabels"));
      assertThat(manifests.selected(selector))
          .as(Manifests.name(set))
          .containsExactly(set.path("spec").path("template"));
      JsonNode headless = service(manifests, set.path("spec").path("serviceName").asText());
      assertThat(headless.path("spec").path("clusterIP").asText()).isEqualTo("None");
      assertThat(selectedBy(manifests, headless)).contains(set.path("spec").path("template"));
    }
    for (String kind : List.of("PodDisruptionBudget", "PodMonitor")) {
      for (JsonNode one : manifests.ofKind(kind)) {
        assertThat(
                manifests.selected(
                    Manifests.texts(one.path("spec").path("selector").path("matchLabels"))))
            .as(kind + " " + Manifests.name(one))
            .isNotEmpty();
      }
    }
  }

  private static JsonNode service(Manifests manifests, String name) {
    return manifests.ofKind("Service").stream()
        .filter(one -> Manifests.name(one).equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no service " + name));
  }

  private static List<JsonNode> selectedBy(Manifests manifests, JsonNode service) {
    return manifests.selected(Manifests.texts(service.path("spec").path("selector")));
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldServeWhatContainersListenOn(String valueSet) {
    Manifests manifests = render(valueSet);
    for (JsonNode service : manifests.ofKind("Service")) {
      List<JsonNode> pods = selectedBy(manifests, service);
      assertThat(pods).as(Manifests.name(service)).isNotEmpty();
      for (JsonNode pod : pods) {
        Manifests.elements(service.path("spec").path("ports"))
            .forEach(
                port -> {
                  Port target =
                      Port.of(namedPort(pod, port.path("targetPort").asText()), "containerPort");
                  assertThat(Port.of(port, "port")).as(Manifests.name(service)).isEqualTo(target);
                });
      }
    }
    for (JsonNode monitor : manifests.ofKind("PodMonitor")) {
      Map<String, String> selector =
          Manifests.texts(monitor.path("spec").path("selector").path("matchLabels"));
      for (JsonNode pod : manifests.selected(selector)) {
        Manifests.elements(monitor.path("spec").path("podMetricsEndpoints"))
            .forEach(endpoint -> namedPort(pod, endpoint.path("port").asText()));
      }
    }
    for (JsonNode pod : manifests.pods()) {
      for (JsonNode container : Manifests.containers(pod)) {
        for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
          if (container.has(probe)) {
            namedPort(pod, container.path(probe).path("httpGet").path("port").asText());
          }
        }
      }
    }
  }

  private static JsonNode namedPort(JsonNode pod, String name) {
    return Manifests.containers(pod).stream()
        .flatMap(container -> Manifests.elements(container.path("ports")))
        .filter(port -> port.path("name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no container listens on a port named " + name));
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldListenOnWhatTheProgramIsTold(String valueSet) {
    Manifests manifests = render(valueSet);
    for (String component : List.of("coordinator", "worker")) {
      assertThat(manifests.pods(component)).isNotEmpty();
      for (JsonNode pod : manifests.pods(component)) {
        Set<Port> told =
            Manifests.environment(pod).entrySet().stream()
                .filter(entry -> entry.getKey().matches("TANDEM_.*_PORT"))
                .map(
                    entry ->
                        new Port(
                            Integer.parseInt(entry.getValue()),
                            entry.getKey().equals("TANDEM_DATA_PORT") ? "UDP" : "TCP"))
                .collect(Collectors.toSet());
        assertThat(new HashSet<>(Manifests.containerPorts(pod))).as(component).isEqualTo(told);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldAllowExactlyThePortsInUse(String valueSet) {
    Manifests manifests = render(valueSet);
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      String name = Manifests.name(policy);
      JsonNode spec = policy.path("spec");
      List<JsonNode> pods =
          manifests.selected(Manifests.texts(spec.path("podSelector").path("matchLabels")));
      assertThat(pods).as(name).isNotEmpty();
      Set<Port> open = new HashSet<>();
      Manifests.elements(spec.path("ingress")).forEach(rule -> open.addAll(ports(rule)));
      for (JsonNode pod : pods) {
        assertThat(open).as(name).isEqualTo(new HashSet<>(Manifests.containerPorts(pod)));
      }
      Manifests.elements(spec.path("ingress"))
          .forEach(rule -> peersAreThere(manifests, rule, "from"));
      Manifests.elements(spec.path("egress"))
          .filter(rule -> rule.has("to"))
          .forEach(
              rule -> {
                for (JsonNode peer : peersAreThere(manifests, rule, "to")) {
                  assertThat(Manifests.containerPorts(peer)).as(name).containsAll(ports(rule));
                }
              });
    }
    if (!manifests.ofKind("NetworkPolicy").isEmpty()) {
      // Who may be called may also call: what one side's ingress opens, the other side's egress
      // does.
      assertThat(links(manifests, "ingress", "from")).isEqualTo(links(manifests, "egress", "to"));
    }
  }

  private static Set<Port> ports(JsonNode rule) {
    return Manifests.elements(rule.path("ports"))
        .map(port -> Port.of(port, "port"))
        .collect(Collectors.toSet());
  }

  private static List<JsonNode> peersAreThere(Manifests manifests, JsonNode rule, String side) {
    List<JsonNode> peers = new ArrayList<>();
    own(rule, side)
        .forEach(
            labels -> {
              List<JsonNode> found = manifests.selected(labels);
              assertThat(found).as(rule.toString()).isNotEmpty();
              peers.addAll(found);
            });
    return peers;
  }

  /** The labels of a rule's peers that are of this release. */
  private static Stream<Map<String, String>> own(JsonNode rule, String side) {
    return Manifests.elements(rule.path(side))
        .map(peer -> Manifests.texts(peer.path("podSelector").path("matchLabels")))
        .filter(labels -> labels.containsKey("app.kubernetes.io/instance"));
  }

  /** As "client > server port", between coordinators and workers. */
  private static Set<String> links(Manifests manifests, String direction, String side) {
    Set<String> links = new HashSet<>();
    for (JsonNode policy : manifests.ofKind("NetworkPolicy")) {
      String self = component(Manifests.texts(policy.at("/spec/podSelector/matchLabels")));
      Manifests.elements(policy.path("spec").path(direction))
          .forEach(
              rule ->
                  own(rule, side)
                      .map(ChartWiringTest::component)
                      .filter(peer -> !peer.equals("test"))
                      .forEach(
                          peer ->
                              ports(rule)
                                  .forEach(
                                      port ->
                                          links.add(
                                              direction.equals("ingress")
                                                  ? peer + " > " + self + " " + port
                                                  : self + " > " + peer + " " + port))));
    }
    return links;
  }

  private static String component(Map<String, String> labels) {
    return labels.get("app.kubernetes.io/component");
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldMountVolumesAndSecretsThatAreThere(String valueSet) {
    Manifests manifests = render(valueSet);
    Set<String> given =
        Set.of(
            "tandem-rest/token",
            "tandem-rest/bearer",
            "tandem-db/secret-password",
            "tandem-tokens/lines",
            "tandem-tls/tls.crt",
            "tandem-tls/tls.key",
            "tandem-tls/ca.crt",
            "tandem-peers/tls.crt",
            "tandem-peers/tls.key",
            "tandem-peers/ca.crt",
            "tandem-viewer/bearer");
    Set<String> made = new HashSet<>();
    manifests
        .ofKind("Secret")
        .forEach(
            secret ->
                secret
                    .path("data")
                    .fieldNames()
                    .forEachRemaining(key -> made.add(Manifests.name(secret) + "/" + key)));
    List<JsonNode> owners = new ArrayList<>(manifests.ofKind("Pod"));
    owners.addAll(manifests.ofKind("StatefulSet"));
    for (JsonNode owner : owners) {
      JsonNode pod =
          owner.path("kind").asText().equals("Pod") ? owner : owner.path("spec").path("template");
      Set<String> volumes =
          Stream.concat(
                  Manifests.elements(pod.path("spec").path("volumes"))
                      .map(volume -> volume.path("name").asText()),
                  Manifests.elements(owner.path("spec").path("volumeClaimTemplates"))
                      .map(Manifests::name))
              .collect(Collectors.toSet());
      Set<String> mounted =
          Manifests.containers(pod).stream()
              .flatMap(container -> Manifests.elements(container.path("volumeMounts")))
              .map(mount -> mount.path("name").asText())
              .collect(Collectors.toSet());
      assertThat(mounted).as(Manifests.name(owner)).isEqualTo(volumes);
      Stream<String> keys =
          Manifests.containers(pod).stream()
              .flatMap(container -> Manifests.elements(container.path("env")))
              .map(entry -> entry.path("valueFrom").path("secretKeyRef"))
              .filter(JsonNode::isObject)
              .map(ref -> ref.path("name").asText() + "/" + ref.path("key").asText());
      Stream<String> files =
          Manifests.elements(pod.path("spec").path("volumes"))
              .map(volume -> volume.path("secret"))
              .filter(JsonNode::isObject)
              .flatMap(
                  secret ->
                      Manifests.elements(secret.path("items"))
                          .map(
                              item ->
                                  secret.path("secretName").asText()
                                      + "/"
                                      + item.path("key").asText()));
      Stream.concat(keys, files)
          .forEach(key -> assertThat(given.contains(key) || made.contains(key)).as(key).isTrue());
    }
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldLetPrometheusReadSecretsThatAreThere(String valueSet) {
    Manifests manifests = render(valueSet);
    Set<String> mounted = new HashSet<>(Set.of("tandem-viewer/bearer", "tandem-rest/token"));
    manifests
        .ofKind("Secret")
        .forEach(
            secret ->
                secret
                    .path("data")
                    .fieldNames()
                    .forEachRemaining(key -> mounted.add(Manifests.name(secret) + "/" + key)));
    if (valueSet.equals("secured.yaml")) {
      mounted.add("tandem-tls/ca.crt");
    }
    for (JsonNode monitor : manifests.ofKind("PodMonitor")) {
      Manifests.elements(monitor.at("/spec/podMetricsEndpoints"))
          .flatMap(
              endpoint ->
                  Stream.of(
                      endpoint.at("/authorization/credentials"),
                      endpoint.at("/tlsConfig/ca/secret")))
          .filter(JsonNode::isObject)
          .map(secret -> secret.path("name").asText() + "/" + secret.path("key").asText())
          .forEach(key -> assertThat(mounted).contains(key));
    }
  }

  /** What the program is told to read below /etc/tandem must be there, and not writable. */
  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldMountTheFilesThatTheProgramIsToldToRead(String valueSet) {
    Manifests manifests = render(valueSet);
    for (JsonNode pod : manifests.pods()) {
      for (JsonNode container : Manifests.containers(pod)) {
        Set<String> files = new HashSet<>();
        Manifests.elements(container.path("volumeMounts"))
            .filter(mount -> mount.path("mountPath").asText().startsWith("/etc/tandem/"))
            .forEach(
                mount -> {
                  assertThat(mount.path("readOnly").asBoolean()).as(mount.toString()).isTrue();
                  assertThat(mount.has("subPath")).as("it would not be renewed").isFalse();
                  for (String file : files(manifests, pod, mount.path("name").asText())) {
                    files.add(mount.path("mountPath").asText() + "/" + file);
                  }
                });
        Set<String> told =
            Stream.concat(
                    Manifests.elements(container.path("env"))
                        .map(entry -> entry.path("value").asText()),
                    Manifests.elements(container.path("args")).map(JsonNode::asText))
                .filter(text -> text.startsWith("/etc/tandem/"))
                .collect(Collectors.toSet());
        assertThat(told).as(container.path("name").asText()).isEqualTo(files);
      }
    }
  }

  private static List<String> files(Manifests manifests, JsonNode pod, String name) {
    JsonNode volume =
        Manifests.elements(pod.at("/spec/volumes"))
            .filter(one -> one.path("name").asText().equals(name))
            .findFirst()
            .orElseThrow();
    if (volume.has("configMap")) {
      return manifests.ofKind("ConfigMap").stream()
          .filter(map -> Manifests.name(map).equals(volume.at("/configMap/name").asText()))
          .flatMap(map -> Manifests.texts(map.path("data")).keySet().stream())
          .toList();
    }
    return Manifests.elements(volume.at("/secret/items"))
        .map(item -> item.path("path").asText())
        .toList();
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldTellWorkersTheCoordinatorsOwnNames(String valueSet) {
    Manifests manifests = render(valueSet);
    JsonNode set =
        manifests.ofKind("StatefulSet").stream()
            .filter(one -> Manifests.name(one).endsWith("-coordinator"))
            .findFirst()
            .orElseThrow();
    Map<String, String> environment = Manifests.environment(set.path("spec").path("template"));
    List<String> names = new ArrayList<>();
    for (int i = 0; i < set.path("spec").path("replicas").asInt(); i++) {
      String host =
          environment.get("TANDEM_HOST").replace("$(POD_NAME)", Manifests.name(set) + "-" + i);
      assertThat(host)
          .startsWith(
              Manifests.name(set) + "-" + i + "." + set.path("spec").path("serviceName").asText())
          .endsWith("." + Chart.NAMESPACE + ".svc.cluster.local");
      names.add(host + ":" + environment.get("TANDEM_CONTROL_PORT"));
    }
    for (JsonNode worker : manifests.pods("worker")) {
      assertThat(Manifests.environment(worker).get("TANDEM_COORDINATOR").split(","))
          .containsExactlyElementsOf(names);
    }
  }
}
