package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What values.yaml, its schema and the README say of each other, and what is refused how. */
class ChartValuesTest {
  private static final Pattern ROW =
      Pattern.compile("\\| `([\\w.]+)` \\| (?:`(.*?)`)? \\| (.+) \\|");

  private static final Chart CHART = new Chart(Chart.SOURCE);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          worker.replicas                        | -1      | at '/worker/replicas': minimum: got -1, want 0
          worker.replicas                        | four    | at '/worker/replicas': got string, want integer
          worker.slots                           | 0       | at '/worker/slots': minimum: got 0, want 1
          worker.slots                           | -4      | at '/worker/slots': minimum: got -4, want 1
          worker.slot                            | 2       | at '/worker': additional properties 'slot' not allowed
          worker.variant                         | tpu     | at '/worker/variant': value must be one of 'cpu', 'cuda'
          worker.terminationGracePeriodSeconds   | 20      | at '/worker/terminationGracePeriodSeconds': minimum: got 20, want 31
          worker.resources.limits.memory         | 4 GB    | at '/worker/resources/limits/memory': '4 GB' does not match
          worker.resources.limits.memory         | 80Mi    | worker pool default: /dev/shm takes 41 MiB, which is half or more of resources.limits.memory 80Mi: raise the limit
          worker.pools[0].slots                  | 2       | at '/worker/pools/0': missing property 'name'
          worker.pools[0].name                   | GPU     | at '/worker/pools/0/name': 'GPU' does not match
          coordinator.replicas                   | 5       | at '/coordinator/replicas': maximum: got 5, want 3
          coordinator.replicas                   | 2       | coordinator.replicas is 2, and several coordinators need a database: set database.host (PostgreSQL)
          database.host                          | pg      | database.host is pg, but no password is given: set database.existingSecret
          ports.rest                             | 70000   | at '/ports/rest': maximum: got 70,000, want 65,535
          monitoring.podMonitor.enabled          | perhaps | at '/monitoring/podMonitor/enabled': value must be one of 'auto', true, false
          monitoring.rules.runbooks              | wiki    | at '/monitoring/rules/runbooks': 'wiki' does not match
          checkpoints.mountPath                  | data    | at '/checkpoints/mountPath': 'data' does not match
          checkpoints.path                       | s3://   | at '/checkpoints/path': 's3://' does not match
          tls.rest.source                        | existing | tls.rest.source is existing, but no Secret is named: set tls.rest.existingSecret (keys tls.crt, tls.key, ca.crt)
          tls.rest.source                        | cert-manager | tls.rest.source is cert-manager, but no issuer is named: set tls.issuer.name
          tls.rest.source                        | acme    | at '/tls/rest/source': value must be one of 'none', 'existing', 'generated', 'cert-manager'
          tls.rest.existingSecret                | mine    | tls.rest.existingSecret is mine, but tls.rest.source is none: set tls.rest.source=existing
          tls.rest.existingSecret                | My_TLS  | at '/tls/rest/existingSecret': 'My_TLS' does not match
          tls.rest.serverName                    | a.org   | tls.rest.serverName is a.org, but tls.rest.source is none
          tls.rest.names[0]                      | a.org   | tls.rest.names are for a certificate that is made here, but tls.rest.source is none
          tls.rest.names[0]                      | a b     | at '/tls/rest/names/0': 'a b' does not match
          tls.rest.publicAuthority               | true    | tls.rest.publicAuthority is true, but tls.rest.source is none
          tls.control.source                     | existing | tls.control.source is existing, but no Secret is named: set tls.control.existingSecret
          tls.control.existingSecret             | mine    | tls.control.existingSecret is mine, but tls.control.source is none
          tls.control.key                        | k       | at '/tls/control': additional properties 'key' not allowed
          encryptFrames                          | true    | encryptFrames is true, but tls.control.source is none: the frames' keys would pass in the clear
          tokens.key                             | a/b     | at '/tokens/key': 'a/b' does not match
          workers                                | 4       | additional properties 'workers' not allowed
          """)
  void shouldRefuseWithAReason(String key, String value, String message) {
    assertThatThrownBy(() -> CHART.render(Map.of(key, value))).hasMessageContaining(message);
  }

  @Test
  void shouldRefuseWhatContradictsItself() {
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of(
                        "database.host", "pg",
                        "database.password", "p",
                        "database.existingSecret", "s")))
        .hasMessageContaining("database.existingSecret and database.password are both set");
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of("checkpoints.existingClaim", "c", "checkpoints.volume.nfs.path", "/p")))
        .hasMessageContaining("checkpoints.existingClaim and checkpoints.volume are both set");
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of(
                        "tls.rest.source", "existing",
                        "tls.rest.existingSecret", "mine",
                        "tls.rest.publicAuthority", true)))
        .hasMessageContaining("tls.rest.publicAuthority is true, but tls.rest.serverName is empty");
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of("tls.control.source", "generated", "tls.control.existingSecret", "s")))
        .hasMessageContaining("set tls.control.source=existing, or name no Secret");
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of("tls.control.source", "cert-manager", "tls.issuer.name", "ours")))
        .hasMessageContaining("this cluster has no cert-manager.io/v1 Certificate: install")
        .hasMessageContaining("helm template --api-versions cert-manager.io/v1/Certificate");
    assertThatThrownBy(
            () -> CHART.render(Map.of("worker.pools[0].name", "a", "worker.pools[1].name", "a")))
        .hasMessageContaining("two pools are named \"a\"");
    assertThatThrownBy(
            () ->
                CHART.render(
                    Map.of(
                        "coordinator.replicas",
                        2,
                        "database.host",
                        "pg",
                        "database.existingSecret",
                        "s",
                        "serviceAccount.create",
                        false)))
        .hasMessageContaining("a service account that may list pods");
  }

  @ParameterizedTest
  @CsvSource({"'', /var/lib/tandem/checkpoints", "s3://bucket/tandem, s3://bucket/tandem"})
  void shouldTellWorkersWhereCheckpointsGo(String path, String expected) {
    var manifests = new Manifests(CHART.render(Map.of("checkpoints.path", path)));
    for (JsonNode worker : manifests.pods("worker")) {
      assertThat(Manifests.environment(worker)).containsEntry("TANDEM_DIRECTORY", expected);
    }
  }

  @Test
  void shouldSayEveryValueInTheReadme() throws Exception {
    Map<String, String> documented = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Chart.SOURCE.resolve("README.md"))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        documented.put(row.group(1), row.group(2) == null ? "" : row.group(2));
      }
    }
    Map<String, String> values = new LinkedHashMap<>();
    leaves("", Chart.YAML.readTree(Chart.SOURCE.resolve("values.yaml").toFile()), values);
    assertThat(documented).containsExactlyEntriesOf(values);
  }

  /** Ends at what the schema has no keys for: maps and lists of Kubernetes. */
  private static void leaves(String path, JsonNode value, Map<String, String> into) {
    if (value.isObject() && !value.isEmpty() && isOurs(path)) {
      value
          .properties()
          .forEach(
              entry ->
                  leaves(
                      path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
                      entry.getValue(),
                      into));
    } else {
      into.put(path, value.isContainerNode() ? value.toString() : value.asText());
    }
  }

  private static boolean isOurs(String path) {
    return !path.endsWith(".resources") && !path.endsWith(".labels");
  }

  @Test
  void shouldHaveASchemaForEveryValueAndAValueForEverySchema() throws Exception {
    JsonNode schema = Chart.YAML.readTree(Chart.SOURCE.resolve("values.schema.json").toFile());
    Set<String> described = new TreeSet<>();
    properties("", schema, described);
    described.removeIf(path -> path.startsWith("worker.pools.") || path.equals("global"));
    Map<String, String> values = new LinkedHashMap<>();
    leaves("", Chart.YAML.readTree(Chart.SOURCE.resolve("values.yaml").toFile()), values);
    assertThat(described).isEqualTo(new TreeSet<>(values.keySet()));
  }

  private static void properties(String path, JsonNode schema, Set<String> into) {
    if (!schema.has("properties")) {
      into.add(path);
    }
    schema
        .path("properties")
        .properties()
        .forEach(
            entry ->
                properties(
                    path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
                    entry.getValue(),
                    into));
  }

  @Test
  void shouldGiveAPoolAllThatWorkersHave() throws Exception {
    JsonNode worker =
        Chart.YAML
            .readTree(Chart.SOURCE.resolve("values.schema.json").toFile())
            .at("/properties/worker/properties");
    Set<String> ofWorkers = new TreeSet<>();
    worker.fieldNames().forEachRemaining(ofWorkers::add);
    ofWorkers.remove("pools");
    ofWorkers.add("name");
    Set<String> ofPools = new TreeSet<>();
    worker.at("/pools/items/properties").fieldNames().forEachRemaining(ofPools::add);
    assertThat(ofPools).isEqualTo(ofWorkers);
  }
}
