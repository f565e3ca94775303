package io.tandem.protocol.tls;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** What people must know of a certificate. */
public final class CertificateText {
  private CertificateText() {}

  /** Which one it is: subject, serial number, who signed it, from when to when it is valid. */
  public static String of(X509Certificate certificate) {
    return "%s (serial %x, signed by %s, valid from %s to %s)"
        .formatted(
            certificate.getSubjectX500Principal().getName(),
            certificate.getSerialNumber(),
            certificate.getIssuerX500Principal().getName(),
            certificate.getNotBefore().toInstant(),
            certificate.getNotAfter().toInstant());
  }

  /** When it expires, in seconds since 1970. */
  public static double expirySeconds(X509Certificate certificate) {
    return certificate.getNotAfter().getTime() / 1000.0;
  }

  /** Why it is not valid at that time, and what to do; empty when it is. */
  public static Optional<String> outOfDate(X509Certificate certificate, Instant now) {
    Instant from = certificate.getNotBefore().toInstant();
    Instant to = certificate.getNotAfter().toInstant();
    String clock = " by this host's clock (" + now.truncatedTo(ChronoUnit.SECONDS) + ")";
    if (now.isBefore(from)) {
      return Optional.of(
          "is not valid for another "
              + length(Duration.between(now, from))
              + clock
              + ": set the clock where it is wrong, or wait");
    }
    if (now.isAfter(to)) {
      return Optional.of(
          "expired " + length(Duration.between(to, now)) + " ago" + clock + ": renew it");
    }
    return Optional.empty();
  }

  /** In its two largest units. */
  static String length(Duration time) {
    if (time.toDays() > 0) {
      return time.toDays() + " d " + time.toHoursPart() + " h";
    }
    if (time.toHours() > 0) {
      return time.toHours() + " h " + time.toMinutesPart() + " min";
    }
    return time.toMinutes() + " min " + time.toSecondsPart() + " s";
  }
}
