package io.tandem.deploy.chart;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** Looks into rendered manifests. */
record Manifests(List<JsonNode> all) {
  /** A port as a container or a policy names it. */
  record Port(int number, String protocol) {
    static Port of(JsonNode port, String field) {
      return new Port(port.path(field).asInt(), port.path("protocol").asText("TCP"));
    }
  }

  List<JsonNode> ofKind(String kind) {
    return all.stream().filter(one -> one.path("kind").asText().equals(kind)).toList();
  }

  static String name(JsonNode manifest) {
    return manifest.path("metadata").path("name").asText();
  }

  /** The pod templates of the StatefulSets, and single pods. */
  List<JsonNode> pods() {
    List<JsonNode> pods = new ArrayList<>(ofKind("Pod"));
    ofKind("StatefulSet").forEach(set -> pods.add(set.path("spec").path("template")));
    return pods;
  }

  /** The pods that run the program's servers, of that component. */
  List<JsonNode> pods(String component) {
    return pods().stream()
        .filter(
            pod -> labels(pod).getOrDefault("app.kubernetes.io/component", "").equals(component))
        .toList();
  }

  List<JsonNode> selected(Map<String, String> selector) {
    return pods().stream()
        .filter(pod -> labels(pod).entrySet().containsAll(selector.entrySet()))
        .toList();
  }

  static Map<String, String> labels(JsonNode pod) {
    return texts(pod.path("metadata").path("labels"));
  }

  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new LinkedHashMap<>();
    object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
    return texts;
  }

  static Stream<JsonNode> elements(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  static List<JsonNode> containers(JsonNode pod) {
    JsonNode spec = pod.path("spec");
    return Stream.concat(elements(spec.path("initContainers")), elements(spec.path("containers")))
        .toList();
  }

  static List<Port> containerPorts(JsonNode pod) {
    return containers(pod).stream()
        .flatMap(container -> elements(container.path("ports")))
        .map(port -> Port.of(port, "containerPort"))
        .toList();
  }

  /**
   * Of the pod's first server container: literal values, or empty where they come from elsewhere.
   */
  static Map<String, String> environment(JsonNode pod) {
    Map<String, String> environment = new LinkedHashMap<>();
    containers(pod)
        .forEach(
            container ->
                elements(container.path("env"))
                    .forEach(
                        entry ->
                            environment.put(
                                entry.path("name").asText(), entry.path("value").asText())));
    return environment;
  }
}
