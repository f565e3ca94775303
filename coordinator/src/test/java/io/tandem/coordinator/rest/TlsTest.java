package io.tandem.coordinator.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tandem.protocol.tls.TestAuthority;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TlsTest {
  @TempDir Path directory;
  private TestAuthority authority;
  private final AtomicLong now = new AtomicLong();
  private long written;

  @BeforeEach
  void sign() throws Exception {
    authority = new TestAuthority(directory);
  }

  private X509Certificate write(String name, String algorithm) throws Exception {
    return authority.sign(name, name, algorithm, Duration.ofDays(-1), Duration.ofDays(1));
  }

  private Tls open() {
    return new Tls(directory.resolve("use.crt"), directory.resolve("use.key"), now::get);
  }

  /** Puts a pair into use. */
  private void use(String certificate, String key) throws Exception {
    written += 1000;
    for (String[] pair : new String[][] {{certificate, "use.crt"}, {key, "use.key"}}) {
      Path to = directory.resolve(pair[1]);
      Files.copy(directory.resolve(pair[0]), to, StandardCopyOption.REPLACE_EXISTING);
      Files.setLastModifiedTime(to, FileTime.fromMillis(written));
    }
    now.addAndGet(Duration.ofSeconds(1).toNanos());
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC"})
  void shouldShowTheCertificateAndANewOneOnceItIsThere(String algorithm) throws Exception {
    X509Certificate first = write("first", algorithm);
    X509Certificate second =
        authority.sign("second", "second", algorithm, Duration.ofDays(-1), Duration.ofDays(9));
    use("first.crt", "first.key");
    Tls tls = open();
    assertThat(shown(tls, first)).isEqualTo(first);
    assertThat(tls.expirySeconds()).isEqualTo(first.getNotAfter().getTime() / 1e3);
    use("second.crt", "second.key");
    assertThat(tls.expirySeconds()).isEqualTo(second.getNotAfter().getTime() / 1e3);
    assertThat(shown(tls, second)).isEqualTo(second);
    use("first.crt", "second.key");
    assertThat(shown(tls, second)).as("a pair that does not fit is not used").isEqualTo(second);
    use("first.crt", "first.key");
    assertThat(shown(tls, first)).isEqualTo(first);
  }

  @Test
  void shouldRefuseWhatIsNoPair() throws Exception {
    assertThatThrownBy(this::open)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use.crt");
    write("one", "EC");
    write("other", "EC");
    use("one.crt", "other.key");
    assertThatThrownBy(this::open).hasMessageContaining("use.key is not the key of");
    Files.writeString(directory.resolve("use.key"), "no key");
    assertThatThrownBy(this::open).hasMessageContaining("use.key holds no private key in PEM");
    use("one.key", "one.key");
    assertThatThrownBy(this::open)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use.crt");
  }

  /** The certificate that a client gets to see which trusts one and nothing else. */
  private static X509Certificate shown(Tls tls, X509Certificate trusted) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("trusted", trusted);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    SSLEngine client = context.createSSLEngine("localhost", 1);
    client.setUseClientMode(true);
    SSLEngine server = tls.engine();
    ByteBuffer none = ByteBuffer.allocate(0);
    ByteBuffer toServer = ByteBuffer.allocate(1 << 16);
    ByteBuffer toClient = ByteBuffer.allocate(1 << 16);
    ByteBuffer plain = ByteBuffer.allocate(1 << 16);
    client.beginHandshake();
    server.beginHandshake();
    for (int i = 0; i < 100; i++) {
      step(client, none, toServer, toClient, plain);
      step(server, none, toClient, toServer, plain);
      if (client.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING
          && server.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING) {
        return (X509Certificate) client.getSession().getPeerCertificates()[0];
      }
    }
    throw new AssertionError("the handshake does not end");
  }

  private static void step(
      SSLEngine engine, ByteBuffer none, ByteBuffer out, ByteBuffer in, ByteBuffer plain)
      throws Exception {
    switch (engine.getHandshakeStatus()) {
      case NEED_TASK -> engine.getDelegatedTask().run();
      case NEED_WRAP -> engine.wrap(none, out);
      default -> {
        in.flip();
        engine.unwrap(in, plain);
        in.compact();
      }
    }
  }
}
