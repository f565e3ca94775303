package io.tandem.deploy.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.coordinator.CoordinatorServer;
import io.tandem.coordinator.CoordinatorSettings;
import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.rest.RestSecurity;
import io.tandem.deploy.client.TandemClient;
import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.control.PeerProbe;
import java.io.ByteArrayInputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Certificates and tokens: who calls how, and what is made. */
class ChartTlsTest {
  static final List<String> VALUE_SETS = Chart.VALUE_SETS;

  @TempDir Path directory;

  private Manifests render(String valueSet) {
    return new Manifests(Chart.withoutHooks(directory).render(valueSet));
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldCallRestAsItIsServed(String valueSet) {
    Manifests manifests = render(valueSet);
    JsonNode coordinator = manifests.pods("coordinator").get(0);
    Map<String, String> environment = Manifests.environment(coordinator);
    boolean tls = environment.containsKey("TANDEM_REST_CERTIFICATE");
    assertThat(tls)
        .isEqualTo(Set.of("secured.yaml", "generated.yaml", "public.yaml").contains(valueSet))
        .isEqualTo(environment.containsKey("TANDEM_REST_KEY"));
    JsonNode container = Manifests.containers(coordinator).get(0);
    for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
      assertThat(container.path(probe).at("/httpGet/scheme").asText("HTTP"))
          .isEqualTo(tls ? "HTTPS" : "HTTP");
    }
    for (JsonNode test : manifests.pods("test")) {
      Map<String, String> told = Manifests.environment(test);
      assertThat(told.get("TANDEM_SERVER")).startsWith(tls ? "https://" : "http://");
      assertThat(told.containsKey("TANDEM_CA")).isEqualTo(tls && !valueSet.equals("public.yaml"));
      assertThat(test.toString()).as("only servers have keys").doesNotContain("tls.key");
    }
    Map<String, String> annotations =
        Manifests.texts(coordinator.path("metadata").path("annotations"));
    if (annotations.containsKey("prometheus.io/scrape")) {
      assertThat(annotations.getOrDefault("prometheus.io/scheme", "http"))
          .isEqualTo(tls ? "https" : "http");
    }
    for (JsonNode monitor : manifests.ofKind("PodMonitor")) {
      JsonNode endpoint = monitor.at("/spec/podMetricsEndpoints/0");
      boolean rest = endpoint.path("port").asText().equals("rest");
      assertThat(endpoint.path("scheme").asText("http")).isEqualTo(tls && rest ? "https" : "http");
      if (tls && rest) {
        JsonNode test = manifests.pods("test").get(0);
        assertThat(Manifests.environment(test).get("TANDEM_SERVER"))
            .as("the test and Prometheus call by one name")
            .contains("//" + endpoint.at("/tlsConfig/serverName").asText() + ":");
      }
    }
  }

  @ParameterizedTest
  @FieldSource("VALUE_SETS")
  void shouldProveAllOfTheClusterOrNobodyToEachOther(String valueSet) {
    Manifests manifests = render(valueSet);
    Set<String> names =
        Set.of("TANDEM_CONTROL_CERTIFICATE", "TANDEM_CONTROL_KEY", "TANDEM_CONTROL_AUTHORITY");
    boolean guarded = Set.of("secured.yaml", "generated.yaml").contains(valueSet);
    for (String component : List.of("coordinator", "worker")) {
      for (JsonNode pod : manifests.pods(component)) {
        Set<String> told =
            Manifests.environment(pod).keySet().stream()
                .filter(names::contains)
                .collect(Collectors.toSet());
        assertThat(told).isEqualTo(guarded ? names : Set.of());
        for (JsonNode volume : pod.at("/spec/volumes")) {
          if (volume.path("name").asText().endsWith("tls")) {
            assertThat(volume.at("/secret/defaultMode").asInt()).isEqualTo(0440);
          }
        }
      }
    }
    assertThat(Manifests.environment(manifests.pods("coordinator").get(0)))
        .containsEntry("TANDEM_ENCRYPT_FRAMES", String.valueOf(guarded));
  }

  @Test
  void shouldGiveRolesToTokensAndPrometheusAViewers() {
    Manifests manifests = render("secured.yaml");
    assertThat(Manifests.environment(manifests.pods("coordinator").get(0)))
        .containsEntry("TANDEM_TOKENS", "/etc/tandem/tokens/lines");
    JsonNode credentials =
        manifests
            .ofKind("PodMonitor")
            .get(0)
            .at("/spec/podMetricsEndpoints/0/authorization/credentials");
    assertThat(credentials.toString()).isEqualTo("{\"name\":\"tandem-viewer\",\"key\":\"bearer\"}");
  }

  private static X509Certificate certificate(JsonNode secret, String key) throws Exception {
    byte[] pem = Base64.getDecoder().decode(secret.path("data").path(key).asText());
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
  }

  private static JsonNode named(Manifests manifests, String kind, String name) {
    return manifests.ofKind(kind).stream()
        .filter(one -> Manifests.name(one).equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldGenerateCertificatesForTheNamesThatAreCalled() throws Exception {
    Manifests manifests = render("generated.yaml");
    JsonNode rest = named(manifests, "Secret", "train-tandem-rest-tls");
    JsonNode control = named(manifests, "Secret", "train-tandem-control-tls");
    for (JsonNode secret : List.of(rest, control)) {
      X509Certificate certificate = certificate(secret, "tls.crt");
      certificate.checkValidity();
      certificate.verify(certificate(secret, "ca.crt").getPublicKey());
      assertThat(certificate.getPublicKey().getAlgorithm()).isEqualTo("RSA");
    }
    assertThat(certificate(rest, "ca.crt")).isNotEqualTo(certificate(control, "ca.crt"));
    assertThat(certificate(rest, "tls.crt").getSubjectAlternativeNames().toString())
        .contains("tandem.example.com", "train-tandem.ml.svc", "localhost", "127.0.0.1");
    JsonNode again = named(render("generated.yaml"), "Secret", "train-tandem-control-tls");
    assertThat(certificate(again, "ca.crt")).isNotEqualTo(certificate(control, "ca.crt"));
  }

  /** The Secrets' files, as pods see them, in a coordinator. */
  @Test
  void shouldServeWithTheCertificatesThatItGenerates() throws Exception {
    Manifests manifests = render("generated.yaml");
    Path rest = files(named(manifests, "Secret", "train-tandem-rest-tls"));
    Path control = files(named(manifests, "Secret", "train-tandem-control-tls"));
    PeerCertificates peers =
        new PeerCertificates(
            control.resolve("tls.crt"), control.resolve("tls.key"), control.resolve("ca.crt"));
    peers.verify();
    CoordinatorSettings settings =
        CoordinatorSettings.embedded(directory.resolve("store"))
            .with(
                new RestSecurity(null, null, rest.resolve("tls.crt"), rest.resolve("tls.key")),
                new Protection(peers, true));
    try (CoordinatorServer server = CoordinatorServer.start(settings)) {
      URI address = URI.create("https://localhost:" + server.restPort());
      TandemClient client = new TandemClient(address, "", rest.resolve("ca.crt"));
      assertThat(client.workers().path("workers")).isEmpty();
      InetSocketAddress gateway =
          InetSocketAddress.createUnresolved("127.0.0.1", server.controlPort());
      assertThat(PeerProbe.trouble(gateway, peers)).isEmpty();
      assertThat(PeerProbe.trouble(gateway, null)).contains("it speaks TLS");
    }
  }

  private Path files(JsonNode secret) throws Exception {
    Path files = Files.createDirectories(directory.resolve(Manifests.name(secret)));
    for (Map.Entry<String, String> entry : Manifests.texts(secret.path("data")).entrySet()) {
      Files.write(files.resolve(entry.getKey()), Base64.getDecoder().decode(entry.getValue()));
    }
    return files;
  }

  @Test
  void shouldAskCertManagerWhereItIs() {
    // Template knows Kubernetes' own APIs only: asked for one of them, it answers as with the CRDs.
    Chart chart = Chart.copy(directory, "\"cert-manager.io/v1/Certificate\"", "\"apps/v1\"");
    Manifests manifests =
        new Manifests(
            chart.render(
                Map.of(
                    "tls.rest.source", "cert-manager",
                    "tls.control.source", "cert-manager",
                    "tls.issuer.name", "ours",
                    "tls.issuer.kind", "ClusterIssuer")));
    assertThat(manifests.ofKind("Secret").stream().map(Manifests::name))
        .containsExactly("train-tandem-token");
    List<JsonNode> certificates = manifests.ofKind("Certificate");
    assertThat(certificates).hasSize(2);
    for (JsonNode certificate : certificates) {
      assertThat(certificate.at("/spec/issuerRef").toString())
          .isEqualTo(
              "{\"name\":\"ours\",\"kind\":\"ClusterIssuer\",\"group\":\"cert-manager.io\"}");
      assertThat(certificate.at("/spec/privateKey/algorithm").asText()).isEqualTo("RSA");
      String secret = certificate.at("/spec/secretName").asText();
      assertThat(manifests.pods("coordinator").get(0).toString())
          .contains("\"secretName\":\"" + secret + "\"");
    }
    assertThat(certificates.get(0).at("/spec/dnsNames").toString())
        .contains("\"train-tandem.ml.svc\"");
    assertThat(certificates.get(1).at("/spec/usages").toString()).contains("client auth");
  }
}
