package io.tandem.coordinator.rest;

import io.tandem.protocol.tls.CertificateText;
import io.tandem.protocol.tls.PemFiles;
import io.tandem.protocol.tls.Reminder;
import io.tandem.protocol.tls.Renewed;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * The server's certificate, from PEM files: a chain, and its private key. Files that change are
 * used for new connections, so that a renewed certificate needs no restart. One that is out of date
 * is shown all the same, and complained of: the coordinator has more to do than REST. Thread-safe.
 */
final class Tls {
  private record Identity(X509Certificate certificate, SSLContext context) {}

  private final Renewed<Identity> identity;
  private final Reminder reminder;

  /**
   * Reads the files.
   *
   * @throws IllegalArgumentException where one is missing or wrong, or the key is another's
   */
  Tls(Path certificate, Path key) {
    this(certificate, key, System::nanoTime);
  }

  Tls(Path certificate, Path key, LongSupplier clock) {
    this.reminder = new Reminder("REST's certificate", InstantSource.system(), clock);
    this.identity =
        new Renewed<>(List.of(certificate, key), () -> identity(certificate, key), clock);
    reminder.used(identity.get().certificate());
  }

  private static Identity identity(Path certificate, Path key) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(PemFiles.keyManagers(certificate, key), null, null);
      return new Identity(PemFiles.certificates(certificate).get(0), context);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("this Java has no TLS: " + e, e);
    }
  }

  /** When the certificate expires that a new connection is shown, in seconds since 1970. */
  double expirySeconds() {
    return CertificateText.expirySeconds(identity.get().certificate());
  }

  /** For a new connection. */
  SSLEngine engine() {
    Identity now = identity.get();
    reminder.used(now.certificate());
    SSLEngine engine = now.context().createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    return engine;
  }
}
