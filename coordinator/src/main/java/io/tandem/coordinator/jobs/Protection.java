package io.tandem.coordinator.jobs;

import io.tandem.protocol.control.PeerCertificates;

/**
 * How what passes between processes is guarded.
 *
 * @param certificates for mutual TLS of the control plane, or null for none
 * @param encryptsFrames whether an attempt's workers get a key to encrypt the data plane with; it
 *     passes over the control plane, which should then have TLS
 */
public record Protection(PeerCertificates certificates, boolean encryptsFrames) {
  /** Nothing: for one host that is trusted. */
  public static final Protection NONE = new Protection(null, false);
}
