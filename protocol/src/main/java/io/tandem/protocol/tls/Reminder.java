package io.tandem.protocol.tls;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says of a certificate of one's own that it is out of date, or soon will be: once an hour while it
 * is in use. Thread-safe.
 */
public final class Reminder {
  private static final Logger LOG = LoggerFactory.getLogger(Reminder.class);
  private static final Duration APART = Duration.ofHours(1);
  private static final Duration WEEK = Duration.ofDays(7);

  private final String whose;
  private final InstantSource clock;
  private final LongSupplier steady;
  private boolean told;
  private long toldNs;

  /**
   * Of that use.
   *
   * @param whose as in "REST's certificate"
   * @param steady as {@link System#nanoTime}
   */
  public Reminder(String whose, InstantSource clock, LongSupplier steady) {
    this.whose = whose;
    this.clock = clock;
    this.steady = steady;
  }

  /** It is in use. */
  public void used(X509Certificate certificate) {
    Optional<String> trouble = CertificateText.outOfDate(certificate, clock.instant());
    if (trouble.isPresent() && isTime()) {
      LOG.error("{} {} {}", whose, CertificateText.of(certificate), trouble.get());
    }
    Instant end = certificate.getNotAfter().toInstant();
    Duration left = Duration.between(clock.instant(), end);
    if (trouble.isEmpty() && left.compareTo(soon(certificate)) < 0 && isTime()) {
      String length = CertificateText.length(left);
      LOG.warn("{} {} expires in {}: renew it", whose, CertificateText.of(certificate), length);
    }
  }

  /** The last week, or tenth of a short life. */
  private static Duration soon(X509Certificate certificate) {
    Instant from = certificate.getNotBefore().toInstant();
    Duration tenth = Duration.between(from, certificate.getNotAfter().toInstant()).dividedBy(10);
    return tenth.compareTo(WEEK) < 0 ? tenth : WEEK;
  }

  private synchronized boolean isTime() {
    long now = steady.getAsLong();
    boolean time = !told || now - toldNs >= APART.toNanos();
    if (time) {
      told = true;
      toldNs = now;
    }
    return time;
  }
}
