package io.tandem.protocol.control;

import io.tandem.protocol.tls.CertificateText;
import io.tandem.protocol.tls.PemFiles;
import io.tandem.protocol.tls.Renewed;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * What coordinators and workers prove to each other who they are with (mutual TLS): PEM files,
 * looked at again for new connections, so that certificates may be renewed. Both ends must share a
 * name: one that stands in this certificate (as its common name or alternative name) must stand in
 * the other's.
 *
 * @param certificate of this process, signed by one of the authorities; with those in between
 * @param key its private key, RSA or EC (PKCS #8, or #1)
 * @param authority the certificates of who signs the cluster's; more than one while they change
 */
public record PeerCertificates(Path certificate, Path key, Path authority) {
  /**
   * Looks whether peers could believe this.
   *
   * @throws IllegalArgumentException names the file, what is wrong with it and what to do: it is
   *     missing or no PEM, the key is another's, the certificate is out of date or of none of the
   *     authorities
   */
  public void verify() {
    X509Certificate[] chain = PemFiles.certificates(certificate).toArray(X509Certificate[]::new);
    PemFiles.keyManagers(certificate, key);
    try {
      PeerTls.trust(this, why -> {}).checkClientTrusted(chain, "RSA");
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          "no coordinator or worker would believe " + certificate + ": " + e.getMessage(), e);
    }
  }

  /**
   * When the certificate expires that the next connection is shown, in seconds since 1970; it is
   * asked anew each time. Thread-safe.
   *
   * @throws IllegalArgumentException where the files are wrong
   */
  public DoubleSupplier expiry() {
    return expiry(System::nanoTime);
  }

  DoubleSupplier expiry(LongSupplier clock) {
    Renewed<X509Certificate> current =
        new Renewed<>(
            List.of(certificate, key, authority),
            () -> PeerTls.identity(this, why -> {}).certificate(),
            clock);
    return () -> CertificateText.expirySeconds(current.get());
  }
}
