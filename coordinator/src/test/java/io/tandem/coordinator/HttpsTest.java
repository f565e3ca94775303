package io.tandem.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.tandem.coordinator.jobs.Protection;
import io.tandem.coordinator.rest.RestSecurity;
import io.tandem.protocol.control.PeerCertificates;
import io.tandem.protocol.tls.PemFiles;
import io.tandem.protocol.tls.TestAuthority;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** REST over TLS. */
class HttpsTest {
  @TempDir Path directory;

  private static HttpClient trusting(Path authority) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setCertificateEntry("ca", PemFiles.certificates(authority).get(0));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return HttpClient.newBuilder().sslContext(context).build();
  }

  @Test
  void shouldTellWhenItsCertificatesExpire() throws Exception {
    TestAuthority authority = new TestAuthority(directory.resolve("ca"));
    X509Certificate rest = authority.sign("rest", "localhost");
    X509Certificate control =
        authority.sign("control", "tandem", "RSA", Duration.ofDays(-1), Duration.ofDays(9));
    RestSecurity security =
        new RestSecurity("", null, authority.file("rest.crt"), authority.file("rest.key"));
    PeerCertificates peers =
        new PeerCertificates(
            authority.file("control.crt"), authority.file("control.key"), authority.file("ca.crt"));
    CoordinatorSettings settings =
        CoordinatorSettings.embedded(directory.resolve("store"))
            .with(security, new Protection(peers, false));
    try (CoordinatorServer server = CoordinatorServer.start(settings, RunningCoordinator.QUICK)) {
      URI uri = URI.create("https://localhost:" + server.restPort() + "/metrics");
      String metrics =
          trusting(authority.file("ca.crt"))
              .send(
                  HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build(),
                  BodyHandlers.ofString())
              .body();
      String series = "tandem_certificate_expiry_timestamp_seconds{use=\"%s\"} %s\n";
      assertThat(metrics)
          .contains(series.formatted("rest", rest.getNotAfter().getTime() / 1e3))
          .contains(series.formatted("control", control.getNotAfter().getTime() / 1e3));
    }
  }

  @Test
  void shouldTellBrowsersToComeOverTlsOnlyButNotToLocalhost() throws Exception {
    TestAuthority authority = new TestAuthority(directory.resolve("ca"));
    authority.sign("rest", "localhost");
    RestSecurity security =
        new RestSecurity("t", null, authority.file("rest.crt"), authority.file("rest.key"));
    CoordinatorSettings settings =
        CoordinatorSettings.embedded(directory.resolve("store")).with(security, Protection.NONE);
    HttpClient client = trusting(authority.file("ca.crt"));
    try (CoordinatorServer server = CoordinatorServer.start(settings, RunningCoordinator.QUICK)) {
      for (String path : List.of("/", "/health/live", "/v1/jobs")) {
        for (String host : List.of("127.0.0.1", "localhost")) {
          URI uri = URI.create("https://" + host + ":" + server.restPort() + path);
          HttpResponse<Void> answer =
              client.send(
                  HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build(),
                  BodyHandlers.discarding());
          assertThat(answer.headers().firstValue("Strict-Transport-Security"))
              .as(uri.toString())
              .isEqualTo(
                  host.equals("localhost") ? Optional.empty() : Optional.of("max-age=31536000"));
        }
      }
    }
  }
}
