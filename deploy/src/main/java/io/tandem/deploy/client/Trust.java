package io.tandem.deploy.client;

import io.tandem.protocol.tls.ExplainedTrust;
import io.tandem.protocol.tls.PemFiles;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.time.InstantSource;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Whom a client believes. */
final class Trust {
  private Trust() {}

  /** Java's own authorities. */
  static SSLContext standard() {
    return of(
        PemFiles.trust(),
        "give the certificate of its authority by --ca (TANDEM_CA) where it is one of your own");
  }

  /**
   * Those of a PEM file and no others.
   *
   * @throws IllegalArgumentException where it holds no certificate
   */
  static SSLContext of(Path authority) {
    return of(
        PemFiles.trust(authority),
        "--ca (TANDEM_CA) names " + authority + ", which must hold its authority's certificate");
  }

  private static SSLContext of(X509ExtendedTrustManager trust, String stranger) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          null,
          new TrustManager[] {
            new ExplainedTrust(trust, stranger, InstantSource.system(), why -> {})
          },
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }

  /** Why a server's certificate was refused, when that is why a call failed. */
  static Optional<String> refusal(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateException) {
        return Optional.of(cause.getMessage());
      }
    }
    return Optional.empty();
  }
}
