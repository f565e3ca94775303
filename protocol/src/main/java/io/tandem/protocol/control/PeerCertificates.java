package io.tandem.protocol.control;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What coordinators and workers prove to each other who they are with (mutual TLS): PEM files, read
 * again every few minutes, so that certificates may be renewed. Both ends must share a name: one
 * that stands in this certificate (as its common name or alternative name) must stand in the
 * other's.
 *
 * @param certificate of this process, signed by the authority
 * @param key its private key, RSA (PKCS #8 or #1)
 * @param authority the certificate of who signs all of the cluster's
 */
public record PeerCertificates(Path certificate, Path key, Path authority) {
  /**
   * Looks whether they are there.
   *
   * @throws IllegalArgumentException names the file that cannot be read
   */
  public PeerCertificates {
    for (Path file : new Path[] {certificate, key, authority}) {
      if (!Files.isReadable(file)) {
        throw new IllegalArgumentException(
            file
                + " cannot be read: the control plane's TLS needs a certificate, its key and the"
                + " authority's certificate");
      }
    }
  }
}
