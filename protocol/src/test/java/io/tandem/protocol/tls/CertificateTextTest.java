package io.tandem.protocol.tls;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateTextTest {
  @TempDir Path directory;

  @Test
  void shouldSayWhichOneItIsAndWhyItIsNotValid() throws Exception {
    X509Certificate certificate = new TestAuthority(directory, "ours").sign("one", "node");
    Instant from = certificate.getNotBefore().toInstant();
    Instant to = certificate.getNotAfter().toInstant();
    assertThat(CertificateText.of(certificate))
        .startsWith("CN=node (serial ")
        .endsWith(", signed by CN=ours, valid from " + from + " to " + to + ")");
    assertThat(CertificateText.outOfDate(certificate, Instant.now())).isEmpty();
    assertThat(CertificateText.outOfDate(certificate, from.minus(Duration.ofMinutes(5))).get())
        .startsWith("is not valid for another 5 min 0 s by this host's clock (")
        .endsWith("): set the clock where it is wrong, or wait");
    assertThat(CertificateText.outOfDate(certificate, to.plus(Duration.ofHours(26))).get())
        .startsWith("expired 1 d 2 h ago by this host's clock (")
        .endsWith("): renew it");
    assertThat(CertificateText.outOfDate(certificate, to.plus(Duration.ofMinutes(61))).get())
        .startsWith("expired 1 h 1 min ago");
  }
}
