package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.marcnuri.helm.LintResult;
import io.kubernetes.client.util.Yaml;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Each manifest by itself: Helm's lint, Kubernetes' own models, the restricted pod standard. */
class ChartManifestsTest {
  /** Kinds of the Prometheus operator, for which there are no models. */
  private static final Set<String> CUSTOM = Set.of("PodMonitor", "PrometheusRule");

  static final java.util.List<String> VALUE_SETS = Chart.VALUE_SETS;

  @TempDir Path directory;

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldPassLint(String valueSet) throws Exception {
    Chart chart = Chart.withoutHooks(directory);
    if (!valueSet.isEmpty()) {
      // Helm's lint reads the chart's own values only.
      Path values = directory.resolve("values.yaml");
      JsonNode defaults = Chart.YAML.readTree(values.toFile());
      JsonNode set = Chart.YAML.readTree(Chart.valuesFile(valueSet).toFile());
      Chart.YAML.writeValue(values.toFile(), merge((ObjectNode) defaults, set));
    }
    LintResult result = chart.helm().lint().strict().call();
    assertThat(result.isFailed()).as(result.getMessages().toString()).isFalse();
    assertThat(result.getMessages()).noneMatch(text -> text.matches(".*(WARNING|ERROR).*"));
  }

  private static ObjectNode merge(ObjectNode values, JsonNode over) {
    over.properties()
        .forEach(
            entry -> {
              JsonNode there = values.path(entry.getKey());
              if (entry.getValue().isNull()) {
                values.remove(entry.getKey());
              } else if (there.isObject() && entry.getValue().isObject()) {
                merge((ObjectNode) there, entry.getValue());
              } else {
                values.set(entry.getKey(), entry.getValue());
              }
            });
    return values;
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldFitKubernetesModels(String valueSet) throws Exception {
    Set<String> kinds = new TreeSet<>();
    for (JsonNode manifest : Chart.withoutHooks(directory).render(valueSet)) {
      String kind = manifest.path("kind").asText();
      kinds.add(kind);
      if (CUSTOM.contains(kind)) {
        continue;
      }
      String as = kind + " " + Manifests.name(manifest);
      String yaml = Chart.YAML.writeValueAsString(manifest);
      Object model = Yaml.load(yaml); // refuses wrong types, quantities and unknown fields
      assertThat(model).as(as).isNotNull();
      JsonElement json = JsonParser.parseString(manifest.toString());
      model
          .getClass()
          .getMethod("validateJsonElement", JsonElement.class)
          .invoke(null, json); // refuses what is required and missing
    }
    assertThat(kinds).contains("StatefulSet", "Service");
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldFitTheRestrictedPodStandard(String valueSet) {
    Manifests manifests = new Manifests(Chart.withoutHooks(directory).render(valueSet));
    assertThat(manifests.pods()).isNotEmpty();
    for (JsonNode pod : manifests.pods()) {
      JsonNode security = pod.path("spec").path("securityContext");
      assertThat(security.path("runAsNonRoot").asBoolean()).isTrue();
      assertThat(security.path("runAsUser").asInt()).isEqualTo(10001);
      assertThat(security.path("seccompProfile").path("type").asText()).isEqualTo("RuntimeDefault");
      for (JsonNode container : Manifests.containers(pod)) {
        JsonNode own = container.path("securityContext");
        assertThat(own.path("readOnlyRootFilesystem").asBoolean()).isTrue();
        assertThat(own.path("allowPrivilegeEscalation").asBoolean(true)).isFalse();
        assertThat(own.path("capabilities").path("drop").toString()).isEqualTo("[\"ALL\"]");
      }
      boolean several = manifests.ofKind("Role").size() == 1;
      boolean coordinator = manifests.pods("coordinator").contains(pod);
      assertThat(pod.path("spec").path("automountServiceAccountToken").asBoolean(true))
          .as("only coordinators that look for each other speak to Kubernetes")
          .isEqualTo(several && coordinator);
    }
  }

  @Test
  void shouldMakeNothingOptionalWhereAllIsOff() {
    Set<String> kinds =
        Chart.withoutHooks(directory).render("bare.yaml").stream()
            .map(manifest -> manifest.path("kind").asText())
            .collect(Collectors.toSet());
    assertThat(kinds).containsExactlyInAnyOrder("StatefulSet", "Service");
  }

  @Test
  void shouldTakeEveryRuleAndDashboardFile() throws Exception {
    Chart chart = Chart.withoutHooks(directory);
    Path rules = Files.createDirectories(directory.resolve("rules"));
    Files.writeString(
        rules.resolve("some.yaml"),
        "groups: [{name: some, rules: [{record: a:b, expr: 'sum(c{d=\"{{ e }}\"})'}]}]");
    Files.writeString(rules.resolve("some_test.yaml"), "rule_files: [some.yaml]");
    Path dashboards = Files.createDirectories(directory.resolve("dashboards"));
    Files.writeString(dashboards.resolve("Some.json"), "{\"title\": \"{{ legend }}\"}");
    Manifests manifests = new Manifests(chart.render("pools.yaml"));
    JsonNode rule =
        manifests.ofKind("PrometheusRule").stream()
            .filter(one -> Manifests.name(one).equals("train-tandem-some"))
            .findFirst()
            .orElseThrow();
    assertThat(rule.at("/spec/groups/0/rules/0/expr").asText()).isEqualTo("sum(c{d=\"{{ e }}\"})");
    assertThat(manifests.all().toString()).doesNotContain("rule_files");
    JsonNode dashboard =
        manifests.ofKind("ConfigMap").stream()
            .filter(one -> Manifests.name(one).equals("train-tandem-dashboard-some"))
            .findFirst()
            .orElseThrow();
    assertThat(dashboard.at("/metadata/labels/grafana_dashboard").asText()).isEqualTo("1");
    assertThat(Chart.YAML.readTree(dashboard.at("/data/Some.json").asText()).path("title").asText())
        .isEqualTo("{{ legend }}");
  }
}
