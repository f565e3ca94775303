package io.tandem.deploy;

import io.tandem.protocol.control.PeerCertificates;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Mutual TLS between coordinators and workers. */
final class PeerTlsOptions {
  @Option(
      names = "--control-certificate",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_CONTROL_CERTIFICATE:-}",
      description = {
        "PEM certificate that coordinators and workers prove themselves with to each other"
            + " (TANDEM_CONTROL_CERTIFICATE).",
        "All or none of a cluster's processes have one; all stand for one name in common."
      })
  String certificate;

  @Option(
      names = "--control-key",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_CONTROL_KEY:-}",
      description = "Its private key, RSA or EC, in PEM (TANDEM_CONTROL_KEY).")
  String key;

  @Option(
      names = "--control-authority",
      paramLabel = "FILE",
      defaultValue = "${env:TANDEM_CONTROL_AUTHORITY:-}",
      description = "Certificates of who signs them all (TANDEM_CONTROL_AUTHORITY).")
  String authority;

  /** Null when none is given. */
  PeerCertificates certificates() {
    if (certificate.isBlank() && key.isBlank() && authority.isBlank()) {
      return null;
    }
    if (certificate.isBlank() || key.isBlank() || authority.isBlank()) {
      throw new CommandException(
          ExitCode.USAGE,
          "--control-certificate, --control-key and --control-authority: give all three or none");
    }
    try {
      PeerCertificates files =
          new PeerCertificates(Path.of(certificate), Path.of(key), Path.of(authority));
      files.verify();
      return files;
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, e.getMessage());
    }
  }
}
